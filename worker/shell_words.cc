#include "worker/shell_words.h"

#include "worker/shell_lexer.h"

namespace enjoin {
namespace {

// Writes the words over the line they are read from: a word is never longer than its source, and
// the NUL behind it takes the place of a blank, or of the NUL at the line's end.
class InPlaceSink {
 public:
  InPlaceSink(char* at, std::vector<const char*>* words) : word_(at), at_(at), words_(words) {}

  void put(char c) { *at_++ = c; }
  void mark() { found_nul_ = true; }
  void end_word() {
    *at_++ = '\0';
    words_->push_back(word_);
    word_ = at_;
  }
  bool found_nul() const { return found_nul_; }

 private:
  char* word_;
  char* at_;
  std::vector<const char*>* words_;
  bool found_nul_ = false;
};

}  // namespace

bool split_simple_line(std::string* line, std::vector<const char*>* words) {
  InPlaceSink sink(line->data(), words);
  return SimpleLexer<InPlaceSink>(*line, sink).run() && !sink.found_nul();
}

std::optional<std::vector<std::string>> split_simple_line(std::string_view line) {
  std::string copy(line);
  std::vector<const char*> words;
  if (!split_simple_line(&copy, &words)) return std::nullopt;
  return std::vector<std::string>(words.begin(), words.end());
}

bool is_no_op(std::span<const char* const> words) {
  if (words.empty() || words[0] == nullptr) return true;
  return words[0][0] == ':' && words[0][1] == '\0';
}

}  // namespace enjoin
