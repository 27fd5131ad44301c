#define PCRE2_CODE_UNIT_WIDTH 8

#include "runner/regex.h"

#include <cstdint>
#include <new>

#include <fmt/format.h>
#include <pcre2.h>

#include "enjoin/error.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

struct CodeFree {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct DataFree {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  if (pcre2_get_error_message(error, text, sizeof text) < 0) return fmt::format("error {}", error);
  return reinterpret_cast<const char*>(text);
}

std::uint32_t flags_of(const Regex::Options& options) {
  return (options.ignore_case ? PCRE2_CASELESS : 0) | (options.multi_line ? PCRE2_MULTILINE : 0) |
         (options.dot_matches_all ? PCRE2_DOTALL : 0) | (options.extended ? PCRE2_EXTENDED : 0);
}

}  // namespace

struct Regex::State {
  std::string name;  // for messages
  std::unique_ptr<pcre2_code, CodeFree> code;
  std::unique_ptr<pcre2_match_data, DataFree> data;
};

Regex::Regex(std::string_view pattern, std::string_view whose, Options options)
    : state_(std::make_unique<State>()) {
  state_->name = fmt::format("the regular expression '{}' of {}", term_safe(pattern), whose);
  int error = 0;
  PCRE2_SIZE offset = 0;
  state_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   flags_of(options), &error, &offset, nullptr));
  if (state_->code == nullptr) {
    throw Error(
        fmt::format("{} is not valid: {} (at offset {})", state_->name, message_of(error), offset));
  }
  // Where no machine code can be made (hardened kernels), matching is slower, and the same.
  (void)pcre2_jit_compile(state_->code.get(), PCRE2_JIT_COMPLETE);
  state_->data.reset(pcre2_match_data_create_from_pattern(state_->code.get(), nullptr));
  if (state_->data == nullptr) throw std::bad_alloc();
}

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

bool Regex::search(std::string_view text, std::size_t from) {
  return match(text, from, 0);
}

bool Regex::search_not_empty(std::string_view text, std::size_t from) {
  return match(text, from, PCRE2_NOTEMPTY);
}

bool Regex::search_beyond(std::string_view text, std::size_t from) {
  return match(text, from, PCRE2_NOTEMPTY_ATSTART);
}

bool Regex::match(std::string_view text, std::size_t from, unsigned flags) {
  // PCRE2 of some versions refuses a null pointer even for no bytes.
  const char* bytes = text.data() == nullptr ? "" : text.data();
  const auto run = [&](std::uint32_t more) {
    return pcre2_match(state_->code.get(), reinterpret_cast<PCRE2_SPTR>(bytes), text.size(), from,
                       flags | more, state_->data.get(), nullptr);
  };
  int result = run(0);
  // The machine code has a small stack only; the interpreter takes it from the heap.
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = run(PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_NOMATCH) return false;
  if (result < 0) throw Error(fmt::format("{} failed: {}", state_->name, message_of(result)));
  return true;
}

std::size_t Regex::groups() const {
  return pcre2_get_ovector_count(state_->data.get()) - 1;
}

std::size_t Regex::begin(std::size_t group) const {
  return pcre2_get_ovector_pointer(state_->data.get())[2 * group];
}

std::size_t Regex::end(std::size_t group) const {
  return pcre2_get_ovector_pointer(state_->data.get())[2 * group + 1];
}

}  // namespace enjoin
