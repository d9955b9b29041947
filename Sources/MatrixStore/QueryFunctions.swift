/// The functions that a question may call, by name.
///
/// They compute from their arguments, the clock and random numbers. What SQLite has
/// beside them is refused: functions that take or give pointers, write logs, load code, belong
/// to tables of a module or say something of the connection.
///
/// Source: sqlite.org, lang_corefunc, lang_aggfunc, lang_datefunc, lang_mathfunc,
/// windowfunctions and json1.
package enum QueryFunctions {
  package static let allowed = Set(core + aggregates + windows + dates + mathematics + json)

  private static let core = [
    "abs", "char", "coalesce", "concat", "concat_ws", "format", "glob", "hex", "if", "ifnull",
    "iif", "instr", "length", "like", "likelihood", "likely", "lower", "ltrim", "max", "min",
    "nullif", "octet_length", "printf", "quote", "random", "randomblob", "regexp", "replace",
    "round", "rtrim", "sign", "soundex", "sqlite_version", "substr", "substring", "trim",
    "typeof", "unhex", "unicode", "unistr", "unistr_quote", "unlikely", "upper", "zeroblob",
  ]

  private static let aggregates = [
    "avg", "count", "group_concat", "median", "percentile", "percentile_cont",
    "percentile_disc", "string_agg", "sum", "total",
  ]

  private static let windows = [
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile",
    "percent_rank", "rank", "row_number",
  ]

  private static let dates = [
    "current_date", "current_time", "current_timestamp", "date", "datetime", "julianday",
    "strftime", "time", "timediff", "unixepoch",
  ]

  private static let mathematics = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "ceiling", "cos",
    "cosh", "degrees", "exp", "floor", "ln", "log", "log10", "log2", "mod", "pi", "pow",
    "power", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
  ]

  private static let json =
    ["->", "->>", "json", "jsonb"]
    + [
      "array", "array_length", "error_position", "extract", "group_array", "group_object",
      "insert", "object", "patch", "pretty", "quote", "remove", "replace", "set", "type", "valid",
    ].map { "json_" + $0 }
    + [
      "array", "extract", "group_array", "group_object", "insert", "object", "patch", "remove",
      "replace", "set",
    ].map { "jsonb_" + $0 }
}
