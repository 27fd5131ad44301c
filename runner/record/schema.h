#pragma once

namespace enjoin {

/// The tables of a record, as documented in docs/record.md. A change that older programs cannot
/// read raises kSchemaVersion.
inline constexpr int kSchemaVersion = 1;
/// "enjn": what SQLite calls the application's id.
inline constexpr int kApplicationId = 0x656e6a6e;
/// Statements that make them in an empty database.
extern const char* const kSchema;

}  // namespace enjoin
