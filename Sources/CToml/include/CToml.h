// toml++ behind a C interface: `dev.toml` to a tree of values with the place (line, column) of each.
#ifndef DEVDB_CTOML_H
#define DEVDB_CTOML_H

#endif
