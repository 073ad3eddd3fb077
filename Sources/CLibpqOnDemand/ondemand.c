// libpq's functions, found in the library when the first of them is called. Linked in the usual way it would bring twenty
// libraries and several megabytes into a daemon that may never speak SQL.

#include "CLibpqOnDemand.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static void *library;
static const char *reason = "";
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const names[] = {
#ifdef __APPLE__
    "libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib", "/usr/local/opt/libpq/lib/libpq.5.dylib",
#else
    "libpq.so.5",
#endif
    NULL,
};

static void load(void) {
    for (int index = 0; names[index] != NULL && library == NULL; index++) library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) reason = dlerror();
}

const char *devdb_libpq_load(void) {
    pthread_once(&once, load);
    return library == NULL ? reason : NULL;
}

static void *find(const char *name) {
    devdb_libpq_load();
    return dlsym(library, name);
}

// Two threads may find the same address at once: they write the same word.
// Hidden, so that the library's own calls don't come back here.
#define CALL(result, name, parameters, arguments)                                     \
    __attribute__((visibility("hidden"))) result name parameters {                                                      \
        static result(*function) parameters;                                          \
        if (function == NULL) function = (result(*) parameters)find(#name);           \
        return function arguments;                                                    \
    }

CALL(int, PQbackendPID, (const PGconn *conn), (conn))
CALL(int, PQcancel, (PGcancel *cancel, char *errbuf, int errbufsize), (cancel, errbuf, errbufsize))
CALL(void, PQclear, (PGresult *res), (res))
CALL(char *, PQcmdStatus, (PGresult *res), (res))
CALL(char *, PQcmdTuples, (PGresult *res), (res))
CALL(PQconninfoOption *, PQconndefaults, (void), ())
CALL(PostgresPollingStatusType, PQconnectPoll, (PGconn *conn), (conn))
CALL(PGconn *, PQconnectStartParams, (const char *const *keywords, const char *const *values, int expand_dbname), (keywords, values, expand_dbname))
CALL(void, PQconninfoFree, (PQconninfoOption *options), (options))
CALL(int, PQconsumeInput, (PGconn *conn), (conn))
CALL(char *, PQerrorMessage, (const PGconn *conn), (conn))
CALL(void, PQfinish, (PGconn *conn), (conn))
CALL(int, PQflush, (PGconn *conn), (conn))
CALL(int, PQfmod, (const PGresult *res, int field), (res, field))
CALL(char *, PQfname, (const PGresult *res, int field), (res, field))
CALL(void, PQfreeCancel, (PGcancel *cancel), (cancel))
CALL(void, PQfreemem, (void *memory), (memory))
CALL(Oid, PQftype, (const PGresult *res, int field), (res, field))
CALL(PGcancel *, PQgetCancel, (PGconn *conn), (conn))
CALL(int, PQgetCopyData, (PGconn *conn, char **buffer, int async), (conn, buffer, async))
CALL(PGresult *, PQgetResult, (PGconn *conn), (conn))
CALL(int, PQgetisnull, (const PGresult *res, int row, int field), (res, row, field))
CALL(int, PQgetlength, (const PGresult *res, int row, int field), (res, row, field))
CALL(char *, PQgetvalue, (const PGresult *res, int row, int field), (res, row, field))
CALL(int, PQisBusy, (PGconn *conn), (conn))
CALL(int, PQnfields, (const PGresult *res), (res))
CALL(int, PQntuples, (const PGresult *res), (res))
CALL(PGnotify *, PQnotifies, (PGconn *conn), (conn))
CALL(const char *, PQparameterStatus, (const PGconn *conn, const char *name), (conn, name))
CALL(int, PQputCopyEnd, (PGconn *conn, const char *errormsg), (conn, errormsg))
CALL(char *, PQresultErrorField, (const PGresult *res, int field), (res, field))
CALL(char *, PQresultErrorMessage, (const PGresult *res), (res))
CALL(ExecStatusType, PQresultStatus, (const PGresult *res), (res))
CALL(int, PQsendPrepare, (PGconn *conn, const char *name, const char *query, int count, const Oid *types), (conn, name, query, count, types))
CALL(int, PQsendQuery, (PGconn *conn, const char *query), (conn, query))
CALL(int, PQsendQueryParams, (PGconn *conn, const char *command, int count, const Oid *types, const char *const *values, const int *lengths, const int *formats, int resultFormat), (conn, command, count, types, values, lengths, formats, resultFormat))
CALL(int, PQsendQueryPrepared, (PGconn *conn, const char *name, int count, const char *const *values, const int *lengths, const int *formats, int resultFormat), (conn, name, count, values, lengths, formats, resultFormat))
CALL(int, PQserverVersion, (const PGconn *conn), (conn))
CALL(PGVerbosity, PQsetErrorVerbosity, (PGconn *conn, PGVerbosity verbosity), (conn, verbosity))
CALL(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn *conn, PQnoticeReceiver proc, void *arg), (conn, proc, arg))
CALL(int, PQsetSingleRowMode, (PGconn *conn), (conn))
CALL(int, PQsetnonblocking, (PGconn *conn, int arg), (conn, arg))
CALL(int, PQsocket, (const PGconn *conn), (conn))
CALL(ConnStatusType, PQstatus, (const PGconn *conn), (conn))
CALL(PGTransactionStatusType, PQtransactionStatus, (const PGconn *conn), (conn))
