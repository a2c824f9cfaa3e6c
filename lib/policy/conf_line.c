/* SPDX-License-Identifier: MIT */
/*
 * conf_line.c: from a line's bytes to its Key=Value pairs. What cannot be shown or be a value at
 * all is refused here, so that the keys see clean words alone.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/conf_line.h"
#include "policy/words.h"

#define BLANKS " \t"

/* Bytes of the UTF-8 character that begins here, 0 when it is none (RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF). */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	size_t i;

	if (n == 0 || n > left || s[0] > 0xf4)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static int check_bytes(const char *text, size_t len, struct gpumem_error *err)
{
	size_t i, n;

	if (len > GM_CONF_LINE_MAX)
		return gm_err(err, -EINVAL, "line longer than %u bytes", GM_CONF_LINE_MAX);
	for (i = 0; i < len; i += n) {
		const unsigned char *c = (const unsigned char *)text + i;

		n = utf8_len(c, len - i);
		if (n == 0)
			return gm_err(err, -EINVAL, "not UTF-8 at byte %zu (\\x%02x)", i + 1, *c);
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return gm_err(err, -EINVAL, "control character \\x%02x at byte %zu", *c,
				      i + 1);
	}
	return 0;
}

/* Takes one pair off *text and ends its two words with NUL. */
static int take_pair(char **text, struct gm_pair *ret, struct gpumem_error *err)
{
	char *key = *text, *key_end = key + strcspn(key, "=" BLANKS);
	char *equal = key_end + strspn(key_end, BLANKS), *value, *value_end;
	char show[GM_SHOW_LEN];

	if (*equal != '=')
		return gm_err(err, -EINVAL,
			      "'%s': no '=' after it; write Key=Value, without spaces in the value",
			      gm_show(key, (size_t)(key_end - key), show));
	if (key == key_end)
		return gm_err(err, -EINVAL, "no key before '='");
	value = equal + 1 + strspn(equal + 1, BLANKS);
	value_end = value + strcspn(value, BLANKS);
	if (value == value_end)
		return gm_err(err, -EINVAL, "'%s': no value",
			      gm_show(key, (size_t)(key_end - key), show));
	*text = value_end + strspn(value_end, BLANKS);
	*key_end = '\0';
	*value_end = '\0';
	*ret = (struct gm_pair){.key = key, .value = value};
	return 0;
}

int gm_line_split(const char *text, size_t len, char *copy, struct gm_pair *ret, size_t *ret_count,
		  struct gpumem_error *err)
{
	size_t count = 0;
	int rc;

	if (len > 0 && text[len - 1] == '\r')
		len--;
	rc = check_bytes(text, len, err);
	if (rc < 0)
		return rc;
	memcpy(copy, text, len);
	copy[len] = '\0';
	copy[strcspn(copy, "#")] = '\0';
	len = strlen(copy);
	while (len > 0 && strchr(BLANKS, copy[len - 1]))
		copy[--len] = '\0';
	if (len > 0 && copy[len - 1] == '\\')
		return gm_err(err, -EINVAL, "a line does not go on behind '\\': write it as one");
	for (copy += strspn(copy, BLANKS); *copy; count++) {
		if (count == GM_PAIRS_MAX)
			return gm_err(err, -EINVAL, "more than %d keys on a line", GM_PAIRS_MAX);
		rc = take_pair(&copy, &ret[count], err);
		if (rc < 0)
			return rc;
	}
	*ret_count = count;
	return 0;
}
