#include "runner/pipeline/list_file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/record/identity.h"
#include "worker/result_path.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kLongestName = 120;

[[noreturn]] void fail(const std::string& path) {
  const int error = errno;
  throw system_error("cannot write the list " + term_safe(path), error);
}

// Longer ones are cut, and told apart by a number.
void append_name(const std::string& name, std::string* path) {
  if (name.size() <= kLongestName) return append_folder_name(name, path);
  const std::uint64_t hash = IdentityHash().add(name).value64();
  append_folder_name(name.substr(0, kLongestName) + '-' + std::to_string(hash), path);
}

}  // namespace

std::string list_path(const std::string& stage, const std::string& item, const std::string& what) {
  std::string path = ".enjoin/lists/";
  for (const std::string* const name : {&stage, &item}) {
    if (name->empty()) continue;
    append_name(*name, &path);
    path += '/';
  }
  append_name(what, &path);
  return path;
}

void write_list(const std::string& path, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += value + '\n';
  if (const int error = make_folders(path.substr(0, path.rfind('/'))); error != 0) {
    errno = error;
    fail(path);
  }
  const std::string draft = path + ".new";
  const ipc::UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) fail(path);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t done = ::write(fd.get(), rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      const int error = errno;
      ::unlink(draft.c_str());
      errno = error;
      fail(path);
    }
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  if (std::rename(draft.c_str(), path.c_str()) != 0) fail(path);
}

}  // namespace enjoin
