#include "runner/jobserver/makeflags.h"

#include <algorithm>
#include <charconv>

namespace enjoin {
namespace {

/// The words of a MAKEFLAGS, as far as options go: what follows `--` are variables.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    if (rest_.empty()) return std::nullopt;
    // A blank in a word has a backslash before it.
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != ' ') end += rest_[end] == '\\' ? 2U : 1U;
    end = std::min(end, rest_.size());
    const std::string_view word = rest_.substr(0, end);
    if (word == "--") return std::nullopt;
    rest_.remove_prefix(end);
    return word;
  }
  /// What has not been read: begins with `--` where there are variables.
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

bool take_prefix(std::string_view* word, std::string_view prefix) {
  if (!word->starts_with(prefix)) return false;
  word->remove_prefix(prefix.size());
  return true;
}

template <typename Number>
bool take_number(std::string_view* text, Number* number) {
  const char* const begin = text->data();
  const auto [end, error] = std::from_chars(begin, begin + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<std::size_t>(end - begin));
  return true;
}

void take_address(std::string_view address, MakeFlags* flags) {
  flags->style = JobserverStyle::kNone;
  if (take_prefix(&address, "fifo:")) {
    flags->path.clear();
    for (std::size_t i = 0; i < address.size(); ++i) {
      if (address[i] == '\\' && i + 1 < address.size()) ++i;
      flags->path += address[i];
    }
    if (!flags->path.empty()) flags->style = JobserverStyle::kFifo;
    return;
  }
  int read_fd = -1;
  int write_fd = -1;
  if (!take_number(&address, &read_fd) || !take_prefix(&address, ",") ||
      !take_number(&address, &write_fd) || !address.empty() || read_fd < 0 || write_fd < 0)
    return;
  flags->style = JobserverStyle::kPipe;
  flags->read_fd = read_fd;
  flags->write_fd = write_fd;
}

bool is_about_jobserver(std::string_view word) {
  return word.starts_with("--jobserver-auth=") || word.starts_with("--jobserver-fds=") ||
         word.starts_with("--jobserver-style=");
}

// `-j`, `-j8`, but not `--jobserver…`.
bool is_about_jobs(std::string_view word) {
  return word.starts_with("-j") || word.starts_with("--jobs");
}

}  // namespace

MakeFlags parse_makeflags(std::string_view text) {
  MakeFlags flags;
  Words words(text);
  while (std::optional<std::string_view> word = words.next()) {
    if (take_prefix(&*word, "--jobserver-auth=") || take_prefix(&*word, "--jobserver-fds=")) {
      take_address(*word, &flags);
    } else if (take_prefix(&*word, "-j") || take_prefix(&*word, "--jobs=")) {
      std::uint32_t jobs = 0;
      if (take_number(&*word, &jobs) && word->empty()) flags.jobs = jobs;
    }
  }
  return flags;
}

void compose_makeflags(std::string_view text, std::uint32_t slots, JobserverSpec* spec) {
  spec->before.clear();
  Words words(text);
  while (const std::optional<std::string_view> word = words.next()) {
    if (is_about_jobserver(*word) || is_about_jobs(*word)) continue;
    if (!spec->before.empty()) spec->before += ' ';
    spec->before += *word;
  }
  // The first word may be letters without their dash; ours is none of those.
  spec->before += " -j" + std::to_string(slots) + " --jobserver-auth=";
  const std::string_view variables = words.rest();
  spec->behind = variables.empty() ? "" : ' ' + std::string(variables);
}

}  // namespace enjoin
