#include "worker/result_path.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <numeric>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace enjoin {
namespace {

constexpr std::size_t kLongestName = 255;

struct Escape {
  char from;
  char to;
};
constexpr Escape kEscapes[] = {{'\\', '\\'}, {'/', '_'}, {'\t', 't'}};

constexpr int kWalk = O_PATH | O_DIRECTORY | O_CLOEXEC;

// One step down. Whatever stands there, no link is followed.
int step_into(const std::string& name, ipc::UniqueFd* folder) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    ipc::UniqueFd next(::openat(folder->get(), name.c_str(), kWalk | O_NOFOLLOW));
    if (next) {
      *folder = std::move(next);
      return 0;
    }
    if (errno != ENOENT) break;
    if (::mkdirat(folder->get(), name.c_str(), 0777) != 0 && errno != EEXIST) return errno;
  }
  const int error = errno;
  struct stat status {};
  const bool is_link = ::fstatat(folder->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                       S_ISLNK(status.st_mode);
  return is_link ? ELOOP : error;
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

void append_folder_name(std::string_view value, std::string* path) {
  const std::size_t begin = path->size();
  if (value == "." || value == "..") *path += '\\';
  for (const char c : value) {
    const auto* const escape =
        std::find_if(std::begin(kEscapes), std::end(kEscapes),
                     [c](const Escape& candidate) { return candidate.from == c; });
    if (escape == std::end(kEscapes)) {
      *path += c;
    } else {
      *path += '\\';
      *path += escape->to;
    }
    if (path->size() - begin >= kLongestName) break;
  }
  path->resize(std::min(path->size(), begin + kLongestName));
}

void result_folder(std::string_view root, std::span<const std::string> names,
                   std::span<const std::string_view> values, std::uint32_t columns,
                   std::string* folder) {
  folder->assign(root);
  if (!folder->empty() && folder->back() != '/') *folder += '/';
  if (values.empty() && columns != 0) {  // -N0
    *folder += "1/\\0noarg/";
    return;
  }
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Records one after the other; within one by name, and behind those the inputs without one.
  const std::size_t width = std::max<std::size_t>(columns, 1);
  const auto has_name = [&](std::size_t i) {
    return i % width < names.size() && !names[i % width].empty();
  };
  if (!names.empty()) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (a / width != b / width) return a < b;
      if (has_name(a) != has_name(b)) return has_name(a);
      return has_name(a) && names[a % width] < names[b % width];
    });
  }
  for (const std::size_t i : order) {
    *folder += has_name(i) ? names[i % width] : std::to_string(i % width + 1);
    *folder += '/';
    if (values[i].empty()) continue;
    append_folder_name(values[i], folder);
    *folder += '/';
  }
}

int make_folders(const std::string& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0777) == 0) return 0;
  if (errno == EEXIST) return is_folder(path) ? 0 : ENOTDIR;
  if (errno != ENOENT) return errno;
  const std::size_t end = path.find_last_not_of('/');
  const std::size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos || slash == 0) return ENOENT;
  const int error = make_folders(path.substr(0, slash));
  if (error != 0) return error;
  if (::mkdir(path.c_str(), 0777) == 0) return 0;
  return errno == EEXIST && is_folder(path) ? 0 : errno;
}

int open_folder_of(const std::string& path, std::size_t trusted, ipc::UniqueFd* folder) {
  const std::size_t end = path.rfind('/') + 1;  // 0 where there is none
  // The trusted part ends at a slash, or the walk would begin inside a name.
  std::size_t at = std::min(trusted, end);
  if (at > 0 && at < end && path[at - 1] != '/' && path[at] != '/') at = path.rfind('/', at) + 1;
  const std::string root = at > 0 ? path.substr(0, at) : path.front() == '/' ? "/" : ".";
  if (const int error = root == "/" ? 0 : make_folders(root); error != 0) return error;
  folder->reset(::open(root.c_str(), kWalk));
  if (!*folder) return errno;
  while (at < end) {
    const std::size_t slash = path.find('/', at);
    if (slash > at) {
      if (const int error = step_into(path.substr(at, slash - at), folder); error != 0) {
        return error;
      }
    }
    at = slash + 1;
  }
  return 0;
}

}  // namespace enjoin
