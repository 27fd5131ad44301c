#include "runner/record/file_contents.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

#include "ipc/unique_fd.h"
#include "runner/record/identity.h"
#include "runner/record/record_file.h"

namespace enjoin {
namespace {

constexpr std::int64_t kSecond = 1000000000;
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::uint64_t kLowestContent = 16;  // below: values with a meaning of their own

std::int64_t ns_of(const timespec& time) {
  return time.tv_sec * kSecond + time.tv_nsec;
}

FileContents::Row row_of(const std::string& path, const struct stat& status) {
  FileContents::Row row;
  row.path = path;
  row.size = status.st_size;
  row.modified = ns_of(status.st_mtim);
  row.changed = ns_of(status.st_ctim);
  row.inode = static_cast<std::int64_t>(status.st_ino);
  return row;
}

bool looks_alike(const FileContents::Row& a, const FileContents::Row& b) {
  return a.size == b.size && a.modified == b.modified && a.changed == b.changed &&
         a.inode == b.inode;
}

/// A file that was written just now may be written again without looking different: clocks of file
/// systems tick in milliseconds, those of some in seconds.
bool is_settled(const FileContents::Row& row) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t latest = std::max(row.modified, row.changed);
  const bool is_coarse = latest % kSecond == 0;
  return ns_of(now) - latest > (is_coarse ? 2 * kSecond : kSecond / 20);
}

std::uint64_t value_of(const IdentityHash& hash) {
  const std::uint64_t value = hash.value64();
  return value < kLowestContent ? value + kLowestContent : value;
}

/// kNothing where it cannot be read.
std::uint64_t read_file(int fd) {
  static constexpr std::uint64_t failed = FileContents::kNothing;
  thread_local std::vector<char> block(kBlockBytes);
  IdentityHash hash;
  while (true) {
    std::size_t filled = 0;  // whole blocks, whatever read() gives at a time
    while (filled < block.size()) {
      const ssize_t count = ::read(fd, block.data() + filled, block.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed;
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    hash.add(std::string_view(block.data(), filled));
    if (filled < block.size()) return value_of(hash);
  }
}

}  // namespace

FileContents::FileContents(Database& record)
    : record_(record.path()),
      find_(record.prepare(
          "SELECT size, modified, changed, inode, content FROM files WHERE path = ?")) {}

std::uint64_t FileContents::content_of(const std::vector<std::string>& paths) {
  if (paths.empty()) return 0;
  IdentityHash hash;
  for (const std::string& path : paths) hash.add(path).add(content_of(path));
  return value_of(hash);
}

std::uint64_t FileContents::content_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return kNothing;
  if (S_ISDIR(status.st_mode)) return content_of_folder(path);
  if (is_of_record(path)) return kNothing;
  if (!S_ISREG(status.st_mode)) {  // to read a pipe or a device would change it
    return value_of(IdentityHash().add(std::uint64_t{status.st_mode}).add(status.st_rdev));
  }
  Row row = row_of(path, status);
  if (const Row* const seen = find_row(path); seen != nullptr && looks_alike(*seen, row))
    return static_cast<std::uint64_t>(seen->content);
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return kNothing;
  const bool settled = is_settled(row);
  const std::uint64_t content = read_file(fd.get());
  row.content = static_cast<std::int64_t>(content);
  if (content == kNothing || !settled) return content;
  new_.push_back(row);
  seen_[path] = std::move(row);
  return content;
}

/// The database's own files change by being asked, and to close one takes SQLite's locks on it
/// away.
bool FileContents::is_of_record(const std::string& path) const {
  const std::filesystem::path file(path);
  const std::string name = file.filename();
  const std::string own = record_.filename();
  if (!name.starts_with(own)) return false;
  const std::string_view rest = std::string_view(name).substr(own.size());
  if (rest != "" && rest != "-wal" && rest != "-shm" && rest != "-journal") return false;
  std::error_code error;
  return std::filesystem::equivalent(std::filesystem::absolute(file, error).parent_path(),
                                     std::filesystem::absolute(record_, error).parent_path(),
                                     error);
}

/// A link inside counts as what it says: to follow it might lead back here.
std::uint64_t FileContents::content_of_folder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (folder == nullptr) return kNothing;
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name != kRecordFolder) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  IdentityHash hash;
  for (const std::string& name : names) {
    const std::string inside = path + "/" + name;
    char target[PATH_MAX];
    const ssize_t length = ::readlink(inside.c_str(), target, sizeof target);
    hash.add(name);
    if (length >= 0) {
      hash.add(std::string_view(target, static_cast<std::size_t>(length)));
    } else {
      hash.add(content_of(inside));
    }
  }
  return value_of(hash);
}

const FileContents::Row* FileContents::find_row(const std::string& path) {
  if (const auto seen = seen_.find(path); seen != seen_.end()) return &seen->second;
  find_.bind(0, path);
  if (!find_.step()) return nullptr;
  Row row{.path = path,
          .size = find_.integer(0),
          .modified = find_.integer(1),
          .changed = find_.integer(2),
          .inode = find_.integer(3),
          .content = find_.integer(4)};
  find_.reset();
  return &(seen_[path] = std::move(row));
}

std::vector<FileContents::Row> FileContents::take_new() {
  return std::exchange(new_, {});
}

}  // namespace enjoin
