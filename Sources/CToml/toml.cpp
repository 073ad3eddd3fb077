#include "CToml.h"

#if __has_include(<toml++/toml.hpp>)
#include <toml++/toml.hpp>
#else
#include <toml++/toml.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <new>
#include <sstream>
#include <string>
#include <vector>

namespace {
struct node {
    ptrdiff_t parent;
    std::string key;
    int kind;
    std::string value;
    uint32_t line;
    uint32_t column;
};
} // namespace

struct devdb_toml {
    std::vector<node> nodes;
    bool failed = false;
    std::string error;
    uint32_t line = 0;
    uint32_t column = 0;
};

namespace {
std::string text_of(double number) {
    // The shortest of the usual precisions that reads back as the same number.
    char buffer[40];
    for (int digits = 15; digits <= 17; digits++) {
        std::snprintf(buffer, sizeof buffer, "%.*g", digits, number);
        double back = std::strtod(buffer, nullptr);
        if (back == number)
            break;
    }
    return buffer;
}

template <typename T> std::string streamed(const T &value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

void add(devdb_toml &document, ptrdiff_t parent, std::string_view key, const toml::source_position &place, const toml::node &value) {
    node made{parent, std::string(key), DEVDB_TOML_TABLE, {}, uint32_t(place.line), uint32_t(place.column)};
    if (auto text = value.as_string()) {
        made.kind = DEVDB_TOML_STRING;
        made.value = text->get();
    } else if (auto integer = value.as_integer()) {
        made.kind = DEVDB_TOML_INTEGER;
        made.value = std::to_string(integer->get());
    } else if (auto number = value.as_floating_point()) {
        made.kind = DEVDB_TOML_FLOAT;
        made.value = text_of(number->get());
    } else if (auto truth = value.as_boolean()) {
        made.kind = DEVDB_TOML_BOOLEAN;
        made.value = truth->get() ? "true" : "false";
    } else if (auto date = value.as_date()) {
        made.kind = DEVDB_TOML_DATE;
        made.value = streamed(date->get());
    } else if (auto time = value.as_time()) {
        made.kind = DEVDB_TOML_DATE;
        made.value = streamed(time->get());
    } else if (auto moment = value.as_date_time()) {
        made.kind = DEVDB_TOML_DATE;
        made.value = streamed(moment->get());
    } else if (value.is_array()) {
        made.kind = DEVDB_TOML_ARRAY;
    }
    document.nodes.push_back(std::move(made));
    const auto index = ptrdiff_t(document.nodes.size()) - 1;
    // toml++ bounds the depth (TOML_MAX_NESTED_VALUES, 256), so the recursion is bounded too.
    if (auto table = value.as_table()) {
        for (auto &&[child, inner] : *table)
            add(document, index, child.str(), child.source().begin, inner);
    } else if (auto array = value.as_array()) {
        for (auto &&inner : *array)
            add(document, index, {}, inner.source().begin, inner);
    }
}
} // namespace

devdb_toml *devdb_toml_parse(const char *text, size_t length) {
    auto *document = new (std::nothrow) devdb_toml;
    if (!document)
        return nullptr;
    toml::parse_result result = toml::parse(std::string_view(text, length));
    if (!result) {
        document->failed = true;
        document->error = std::string(result.error().description());
        document->line = result.error().source().begin.line;
        document->column = result.error().source().begin.column;
        return document;
    }
    for (auto &&[key, value] : result.table())
        add(*document, -1, key.str(), key.source().begin, value);
    return document;
}

void devdb_toml_free(devdb_toml *document) { delete document; }

const char *devdb_toml_error(const devdb_toml *document, uint32_t *line, uint32_t *column) {
    if (!document->failed)
        return nullptr;
    *line = document->line;
    *column = document->column;
    return document->error.c_str();
}

size_t devdb_toml_count(const devdb_toml *document) { return document->nodes.size(); }

devdb_toml_node devdb_toml_at(const devdb_toml *document, size_t index) {
    const node &n = document->nodes.at(index);
    return {n.parent, n.key.data(), n.key.size(), n.kind, n.value.data(), n.value.size(), n.line, n.column};
}
