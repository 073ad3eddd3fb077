/// Names of PostgreSQL's built-in types that Prisma can't read, for the error that says so; most arrays and what newer versions
/// added are `Unknown` (query plan specification §7.1: types up to OID 5080).
enum BuiltInTypes {
    static func name(_ oid: UInt32) -> String { names[oid] ?? "Unknown" }

    private static let names: [UInt32: String] = [
        18: "char", 22: "int2vector", 24: "regproc", 27: "tid", 28: "xid", 29: "cid", 30: "oidvector", 32: "pg_ddl_command",
        194: "pg_node_tree", 269: "table_am_handler", 325: "index_am_handler", 600: "point", 601: "lseg", 602: "path", 603: "box",
        604: "polygon", 628: "line", 705: "unknown", 718: "circle", 774: "macaddr8", 829: "macaddr", 1033: "aclitem",
        1186: "interval", 1790: "refcursor", 2202: "regprocedure", 2203: "regoper", 2204: "regoperator", 2205: "regclass",
        2206: "regtype", 2249: "record", 2275: "cstring", 2276: "any", 2277: "anyarray", 2278: "void", 2279: "trigger",
        2280: "language_handler", 2281: "internal", 2283: "anyelement", 2287: "_record", 2776: "anynonarray", 2970: "txid_snapshot",
        3115: "fdw_handler", 3220: "pg_lsn", 3310: "tsm_handler", 3361: "pg_ndistinct", 3402: "pg_dependencies", 3500: "anyenum",
        3614: "tsvector", 3615: "tsquery", 3642: "gtsvector", 3734: "regconfig", 3769: "regdictionary", 3831: "anyrange",
        3838: "event_trigger", 3904: "int4range", 3906: "numrange", 3908: "tsrange", 3910: "tstzrange", 3912: "daterange",
        3926: "int8range", 4072: "jsonpath", 4089: "regnamespace", 4096: "regrole", 4191: "regcollation", 4451: "int4multirange",
        4532: "nummultirange", 4533: "tsmultirange", 4534: "tstzmultirange", 4535: "datemultirange", 4536: "int8multirange",
        4537: "anymultirange", 4538: "anycompatiblemultirange", 4600: "pg_brin_bloom_summary", 4601: "pg_brin_minmax_multi_summary",
        5017: "pg_mcv_list", 5038: "pg_snapshot", 5069: "xid8", 5077: "anycompatible", 5078: "anycompatiblearray",
        5079: "anycompatiblenonarray", 5080: "anycompatiblerange",
    ]
}
