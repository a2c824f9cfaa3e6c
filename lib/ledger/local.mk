# Files of lib/ledger and their unit tests.
lib_libgm_core_la_SOURCES += \
	lib/ledger/layout.h \
	lib/ledger/ledger.c lib/ledger/ledger.h
lib_libgpumem_la_SOURCES += \
	lib/ledger/record.c \
	lib/ledger/request.c \
	lib/ledger/spec.c \
	lib/ledger/survivors.c \
	lib/ledger/view.c lib/ledger/view.h
