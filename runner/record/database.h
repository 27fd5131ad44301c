#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "enjoin/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace enjoin {

/// Somebody else has locked the database; trying again later may help.
class DatabaseBusy : public Error {
 public:
  using Error::Error;
};

/// One statement, prepared once and run often. Columns and parameters count from 0.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int at, std::int64_t number);
  Statement& bind(int at, double number);
  Statement& bind_null(int at);
  /// Text as it is, or a blob where it holds a NUL byte. Must stay until the statement was run.
  Statement& bind(int at, std::string_view text);
  Statement& bind_blob(int at, std::string_view bytes);

  /// Goes to the next row; false: there is none, and it is ready to be run again. Throws
  /// DatabaseBusy, or Error: which file, why.
  bool step();
  /// Runs it to its end, with no interest in rows.
  void run();
  void reset();

  // Of the current row.
  int columns() const;
  std::string_view column_name(int at) const;
  bool is_null(int at) const;
  bool is_number(int at) const;
  std::int64_t integer(int at) const;
  double real(int at) const;
  std::string_view text(int at) const;  ///< or blob; until the next step
  std::string string(int at) const { return std::string(text(at)); }

 private:
  friend class Database;
  class Database* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

/// One SQLite file. No one else includes sqlite3.h but the sources of this folder.
class Database {
 public:
  enum class Mode : std::uint8_t { kRead, kWrite, kCreate };
  /// Throws Error: which file, why.
  Database(std::string path, Mode mode);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// Runs statements that take no parameters and give no rows.
  void run(const char* sql);
  Statement prepare(std::string_view sql);
  std::int64_t integer(std::string_view sql);  ///< the first column of the first row; 0: no row
  std::string text(std::string_view sql);

  /// How long calls wait for others' locks. Default 0: they throw DatabaseBusy at once.
  void set_wait(int most_ms);
  bool is_in_transaction() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }
  /// Throws for the result code of a call that failed.
  [[noreturn]] void fail(int code, std::string_view what) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

/// BEGIN IMMEDIATE; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
};

}  // namespace enjoin
