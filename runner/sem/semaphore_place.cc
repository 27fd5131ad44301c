// Where semaphores are kept, and under which names.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "runner/sem/semaphore.h"

namespace enjoin {
namespace {

constexpr std::size_t kLongestName = 200;

bool stands_for_itself(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

// FNV-1a of 128 bits: ids that are equal in their first 160 bytes are rare enough by themselves.
std::string hash_of(std::string_view text) {
  __extension__ using Wide = unsigned __int128;
  const Wide prime = (Wide{1} << 88) + 0x13b;
  Wide hash = (Wide{0x6c62272e07bb0142} << 64) + 0x62b821756295c58d;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= prime;
  }
  char digits[40];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(hash >> 64), static_cast<unsigned long long>(hash));
  return digits;
}

// An absolute folder that we may write in; empty where there is none of that name.
std::string usable_folder(const char* name) {
  const char* folder = std::getenv(name);
  if (folder == nullptr || *folder != '/') return {};
  return ::access(folder, W_OK | X_OK) == 0 ? folder : std::string();
}

}  // namespace

std::string semaphore_folder() {
  if (const std::string cache = usable_folder("XDG_CACHE_HOME"); !cache.empty()) {
    return cache + "/enjoin/sem";
  }
  if (const std::string home = usable_folder("HOME"); !home.empty()) {
    return home + "/.cache/enjoin/sem";
  }
  return "/tmp/enjoin-sem-" + std::to_string(::geteuid());
}

std::string semaphore_file_name(std::string_view id) {
  std::string name = "id-";
  for (const char byte : id) {
    if (stands_for_itself(byte)) {
      name += byte;
    } else {
      char digits[4];
      std::snprintf(digits, sizeof digits, "%%%02x", static_cast<unsigned char>(byte));
      name += digits;
    }
  }
  if (name.size() <= kLongestName) return name;
  return name.substr(0, kLongestName - 34) + "%%" + hash_of(id);
}

}  // namespace enjoin
