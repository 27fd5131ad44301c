#include "runner/record/json_words.h"

#include "enjoin/error.h"

namespace enjoin {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

void append_word(std::string_view word, std::string* text) {
  *text += '"';
  for (const char letter : word) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      *text += '\\';
      *text += letter;
    } else if (code < 0x20) {
      *text += "\\u00";
      *text += kDigits[code >> 4];
      *text += kDigits[code & 15];
    } else {
      *text += letter;
    }
  }
  *text += '"';
}

/// Walks over the text; what is not as it was written is an error.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool take(char letter) {
    if (at_ >= text_.size() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }
  void need(char letter) {
    if (!take(letter)) throw Error("the record holds a list that enjoin did not write");
  }
  bool at_end() const { return at_ == text_.size(); }
  std::string word() {
    std::string word;
    need('"');
    while (!take('"')) {
      if (at_end()) need('"');
      word += take('\\') ? escaped() : text_[at_++];
    }
    return word;
  }

 private:
  char escaped() {
    if (!take('u')) {
      if (at_end()) need('"');
      return text_[at_++];
    }
    need('0');
    need('0');
    const int high = digit();
    return static_cast<char>(high * 16 + digit());
  }
  int digit() {
    for (int value = 0; value < 16; ++value) {
      if (take(kDigits[value])) return value;
    }
    need('0');
    return 0;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string to_json_array(const std::vector<std::string>& words) {
  std::string text = "[";
  for (const std::string& word : words) {
    if (text.size() > 1) text += ',';
    append_word(word, &text);
  }
  return text + "]";
}

std::vector<std::string> from_json_array(std::string_view text) {
  std::vector<std::string> words;
  Reader reader(text);
  reader.need('[');
  if (!reader.take(']')) {
    do words.push_back(reader.word());
    while (reader.take(','));
    reader.need(']');
  }
  return words;
}

}  // namespace enjoin
