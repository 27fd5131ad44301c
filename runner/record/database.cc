#include "runner/record/database.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "worker/term_safe.h"

namespace enjoin {
namespace {

// To SQLite, ":memory:" and "" are no files.
std::string as_file(const std::string& path) {
  return path.empty() || path.front() == ':' ? "./" + path : path;
}

int flags_of(Database::Mode mode) {
  // One thread uses it: no mutexes.
  const int both = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (mode == Database::Mode::kRead) return both | SQLITE_OPEN_READONLY;
  if (mode == Database::Mode::kWrite) return both | SQLITE_OPEN_READWRITE;
  return both | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

}  // namespace

Database::Database(std::string path, Mode mode) : path_(std::move(path)) {
  const int code = sqlite3_open_v2(as_file(path_).c_str(), &handle_, flags_of(mode), nullptr);
  if (code == SQLITE_OK) return;
  try {
    fail(code, "open");
  } catch (const Error&) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() {
  sqlite3_close(handle_);
}

void Database::fail(int code, std::string_view what) const {
  const std::string name = "the record " + term_safe(path_);
  const int error = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw DatabaseBusy(name + " is locked by another process");
    case SQLITE_FULL:
      throw Error(fmt::format("cannot write {}: the disk is full", name));
    case SQLITE_NOTADB:
      throw Error(name + " is no database of enjoin; name another file, or move this one away");
    case SQLITE_CORRUPT:
      throw Error(fmt::format("{} is damaged ({}); move it away, and the next run begins a new one",
                              name, sqlite3_errmsg(handle_)));
    case SQLITE_NOMEM:
      throw Error(fmt::format("cannot {} {}: out of memory", what, name));
    default:
      break;
  }
  const char* const why = error != 0           ? std::strerror(error)
                          : handle_ != nullptr ? sqlite3_errmsg(handle_)
                                               : sqlite3_errstr(code);
  throw Error(fmt::format("cannot {} {}: {}", what, name, term_safe(why)));
}

void Database::run(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, "use");
}

Statement Database::prepare(std::string_view sql) {
  Statement statement;
  statement.database_ = this;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement.statement_, nullptr);
  if (code != SQLITE_OK) fail(code, "read");
  return statement;
}

std::int64_t Database::integer(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.string(0) : std::string();
}

void Database::set_wait(int most_ms) {
  sqlite3_busy_timeout(handle_, most_ms);
}

bool Database::is_in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(statement_, other.statement_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(int at, std::int64_t number) {
  sqlite3_bind_int64(statement_, at + 1, number);
  return *this;
}

Statement& Statement::bind(int at, double number) {
  sqlite3_bind_double(statement_, at + 1, number);
  return *this;
}

Statement& Statement::bind_null(int at) {
  sqlite3_bind_null(statement_, at + 1);
  return *this;
}

Statement& Statement::bind(int at, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return bind_blob(at, text);
  const char* const bytes = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(statement_, at + 1, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int at, std::string_view bytes) {
  sqlite3_bind_blob64(statement_, at + 1, bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  sqlite3_reset(statement_);
  if (code != SQLITE_DONE) database_->fail(code, "use");
  return false;
}

void Statement::run() {
  while (step()) continue;
}

void Statement::reset() {
  sqlite3_reset(statement_);
}

int Statement::columns() const {
  return sqlite3_column_count(statement_);
}

std::string_view Statement::column_name(int at) const {
  return sqlite3_column_name(statement_, at);
}

bool Statement::is_null(int at) const {
  return sqlite3_column_type(statement_, at) == SQLITE_NULL;
}

bool Statement::is_number(int at) const {
  const int type = sqlite3_column_type(statement_, at);
  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

std::int64_t Statement::integer(int at) const {
  return sqlite3_column_int64(statement_, at);
}

double Statement::real(int at) const {
  return sqlite3_column_double(statement_, at);
}

std::string_view Statement::text(int at) const {
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_, at));
  return {bytes != nullptr ? bytes : "",
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, at))};
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

// An error may have rolled it back already.
Transaction::~Transaction() {
  if (!database_.is_in_transaction()) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
}

}  // namespace enjoin
