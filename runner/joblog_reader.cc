#include "runner/joblog_reader.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "worker/term_safe.h"

// Resuming is to cost about what it costs to read the file: large reads, memchr for the lines, a
// few bytes looked at in each column, nothing allocated for a row.

namespace enjoin {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMostShownBytes = 60;
constexpr std::uint32_t kSucceededBit = 1U << 30;
constexpr std::uint32_t kFailedBit = 1U << 31;
constexpr std::uint32_t kHashMask = kSucceededBit - 1;
// A number this far beyond the rows read so far is kept apart: a damaged or sparse log must not
// decide how much memory we take.
constexpr std::uint64_t kDenseAlways = 1 << 20;
constexpr std::uint64_t kDensePerRow = 8;

constexpr std::string_view kNameColumn = "Seq\t";

std::uint64_t hash_word(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
  return hash ^ (hash >> 29);
}

std::uint32_t hash_of(std::string_view text) {
  std::uint64_t hash = text.size();
  for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    hash = hash_word(hash, word);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  hash = hash_word(hash_word(hash, rest), 0);
  return static_cast<std::uint32_t>(hash >> 32) & kHashMask;
}

/// The columns of a line, taken off its front one by one.
class Columns {
 public:
  explicit Columns(std::string_view line) : at_(line.data()), end_(at_ + line.size()) {}

  /// The text before the next TAB; false where there is none.
  bool take(std::string_view* column) {
    const char* const begin = at_;
    while (at_ != end_ && *at_ != '\t') ++at_;
    *column = {begin, static_cast<std::size_t>(at_ - begin)};
    if (at_ == end_) return false;
    ++at_;
    return true;
  }
  /// A whole number, and no more, in the next column.
  template <typename Integer>
  bool take_number(Integer* number) {
    const auto [stop, error] = std::from_chars(at_, end_, *number);
    if (error != std::errc() || stop == end_ || *stop != '\t') return false;
    at_ = stop + 1;
    return true;
  }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

 private:
  const char* at_;
  const char* end_;
};

/// As printf's %10.3f writes it, roughly: blanks, then something that begins like a number.
bool is_time(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return false;
  const char first = text[begin];
  return (first >= '0' && first <= '9') || first == '-' || first == '.';
}

/// One pass over one file.
class Reader {
 public:
  Reader(const std::string& path, FailedRows failed) : path_(path), failed_(failed) {}

  JoblogReading read();

 private:
  void take_lines();
  void take_line(std::string_view line, std::uint64_t offset);
  void keep_last_failures();

  const std::string& path_;
  const FailedRows failed_;
  JoblogReading reading_;
  std::string buffer_;
  std::size_t filled_ = 0;
  std::size_t searched_ = 0;  // of the line that has no end yet
};

JoblogReading Reader::read() {
  const ipc::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd && errno == ENOENT) return {};
  if (!fd) throw system_error("cannot read the job log " + term_safe(path_), errno);
  reading_.exists = true;
  buffer_.resize(kReadBytes);
  while (true) {
    if (filled_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const ssize_t got = ::read(fd.get(), buffer_.data() + filled_, buffer_.size() - filled_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("cannot read the job log " + term_safe(path_), errno);
    if (got == 0) break;
    filled_ += static_cast<std::size_t>(got);
    take_lines();
  }
  reading_.cut_bytes = filled_;
  keep_last_failures();
  return std::move(reading_);
}

/// Takes all whole lines out of the buffer; the rest moves to its front.
void Reader::take_lines() {
  std::size_t begin = 0;
  while (const void* found = std::memchr(buffer_.data() + searched_, '\n', filled_ - searched_)) {
    const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
    ++reading_.lines;
    take_line({buffer_.data() + begin, end - begin}, reading_.whole_bytes);
    reading_.whole_bytes += end + 1 - begin;
    begin = searched_ = end + 1;
  }
  std::memmove(buffer_.data(), buffer_.data() + begin, filled_ - begin);
  filled_ -= begin;
  searched_ = filled_;
}

void Reader::take_line(std::string_view line, std::uint64_t offset) {
  const std::optional<LoggedRow> row = parse_joblog_row(line);
  if (row) {
    reading_.history.add(*row);
    if (failed_ == FailedRows::kCollect && !row->succeeded) {
      const auto at = static_cast<std::uint64_t>(row->command.data() - line.data());
      reading_.failed.push_back({row->seq, offset + at, row->command.size()});
    }
    return;
  }
  // Names of columns may come again where logs were joined.
  if (line.starts_with(kNameColumn)) return;
  if (line.find_first_not_of('\0') == std::string_view::npos) return;  // left by a crash, or blank
  throw Error(fmt::format("{}:{}: this is no row of a job log: '{}{}'; repair or remove that line",
                          term_safe(path_), reading_.lines,
                          term_safe(std::string(line.substr(0, kMostShownBytes))),
                          line.size() > kMostShownBytes ? "…" : ""));
}

void Reader::keep_last_failures() {
  auto& failed = reading_.failed;
  using Row = JoblogHistory::FailedRow;
  std::stable_sort(failed.begin(), failed.end(),
                   [](const Row& a, const Row& b) { return a.seq < b.seq; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < failed.size(); ++i) {
    if (i + 1 < failed.size() && failed[i + 1].seq == failed[i].seq) continue;
    if (reading_.history.fate(failed[i].seq) == JoblogHistory::Fate::kFailed)
      failed[kept++] = failed[i];
  }
  failed.resize(kept);
}

}  // namespace

std::optional<LoggedRow> parse_joblog_row(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of('\0'), line.size()));
  LoggedRow row;
  Columns columns(line);
  std::string_view host;
  std::string_view start;
  std::string_view runtime;
  std::string_view sent;
  std::string_view received;
  int exit_value = 0;
  int signal = 0;
  const bool whole = columns.take_number(&row.seq) && columns.take(&host) && columns.take(&start) &&
                     columns.take(&runtime) && columns.take(&sent) && columns.take(&received) &&
                     columns.take_number(&exit_value) && columns.take_number(&signal);
  if (!whole || row.seq == 0 || !is_time(start) || !is_time(runtime)) return std::nullopt;
  row.succeeded = exit_value == 0 && signal == 0;
  row.command = columns.rest();
  return row;
}

std::string logged_command(std::string_view logged) {
  std::string command(logged);
  std::replace(command.begin(), command.end(), '\0', '\n');
  return command;
}

void JoblogHistory::add(const LoggedRow& row) {
  ++rows_;
  const std::uint32_t entry = (row.succeeded ? kSucceededBit : kFailedBit) | hash_of(row.command);
  if (row.seq < dense_.size()) {
    dense_[row.seq] = entry;
  } else if (row.seq < kDenseAlways + kDensePerRow * rows_) {
    dense_.resize(std::max<std::uint64_t>(row.seq + 1, dense_.size() + dense_.size() / 2));
    dense_[row.seq] = entry;
  } else {
    sparse_[row.seq] = entry;
  }
}

std::uint32_t JoblogHistory::entry(std::uint64_t seq) const {
  // What was kept apart before may lie inside the table by now; what the table says is newer.
  const std::uint32_t dense = seq < dense_.size() ? dense_[seq] : 0;
  if (dense != 0 || sparse_.empty()) return dense;
  const auto found = sparse_.find(seq);
  return found == sparse_.end() ? 0 : found->second;
}

JoblogHistory::Fate JoblogHistory::fate(std::uint64_t seq) const {
  const std::uint32_t known = entry(seq);
  if (known == 0) return Fate::kUnknown;
  return (known & kSucceededBit) != 0 ? Fate::kSucceeded : Fate::kFailed;
}

bool JoblogHistory::had_other_command(std::uint64_t seq, std::string_view command) const {
  const std::uint32_t known = entry(seq);
  if (known == 0) return false;
  if (command.find('\n') == std::string_view::npos) return (known & kHashMask) != hash_of(command);
  std::string logged(command);
  std::replace(logged.begin(), logged.end(), '\n', '\0');
  return (known & kHashMask) != hash_of(logged);
}

JoblogReading read_joblog(const std::string& path, FailedRows failed) {
  return Reader(path, failed).read();
}

}  // namespace enjoin
