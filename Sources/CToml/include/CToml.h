// toml++ behind a C interface: a TOML document as a flat list of nodes, each with its parent and its place.
#ifndef DEVDB_CTOML_H
#define DEVDB_CTOML_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct devdb_toml devdb_toml;

enum devdb_toml_kind {
    DEVDB_TOML_TABLE,
    DEVDB_TOML_ARRAY,
    DEVDB_TOML_STRING,
    DEVDB_TOML_INTEGER,
    DEVDB_TOML_FLOAT,
    DEVDB_TOML_BOOLEAN,
    DEVDB_TOML_DATE,
};

// Text is UTF-8, not ended by a zero byte, and lives as long as the document.
typedef struct {
    // Index of the table or array it is in; -1 in the root table.
    ptrdiff_t parent;
    const char *key;
    size_t key_length;
    int kind;
    // Scalars: the value as text (numbers in decimal, true/false, dates as TOML writes them).
    const char *value;
    size_t value_length;
    // 1-based; of the key, for array elements of the value.
    uint32_t line;
    uint32_t column;
} devdb_toml_node;

// Parses; never throws. NULL only without memory.
devdb_toml *devdb_toml_parse(const char *text, size_t length);
void devdb_toml_free(devdb_toml *document);
// What is wrong with the document's syntax, ended by a zero byte; NULL when nothing.
const char *devdb_toml_error(const devdb_toml *document, uint32_t *line, uint32_t *column);
// Parents come before their children.
size_t devdb_toml_count(const devdb_toml *document);
devdb_toml_node devdb_toml_at(const devdb_toml *document, size_t index);

#ifdef __cplusplus
}
#endif
#endif
