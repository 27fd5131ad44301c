// libFuzzer target: options that do not come from the command line: $PARALLEL, profiles, a script's
// first line. They are understood or refused with a UsageError. Input: texts ended by NUL: the
// variable, two profiles, then the words of the command line.

#include <string>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "runner/cli/option_draft.h"
#include "runner/cli/options.h"
#include "support/memory_file.h"

namespace {

using namespace enjoin;
using enjoin::test::FuzzInput;
using enjoin::test::require;

std::string quoted(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += "' ";
  }
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  std::vector<std::string> texts = input.strings('\0');
  texts.resize(std::max<std::size_t>(texts.size(), 3));
  try {
    const std::vector<std::string> words = split_words(texts[0], "x");
    require(split_words(quoted(words), "x") == words);
  } catch (const UsageError&) {
    // A quote that is not closed.
  }
  const test::MemoryFile first(texts[1]);
  const test::MemoryFile second(texts[2]);
  const Elsewhere elsewhere{
      .variable = texts[0], .profile_folder = "", .defaults = {first.path(), second.path()}};
  const std::vector<std::string> args(texts.begin() + 3, texts.end());
  for (const char* const program : {"enjoin", "parallel", "sem"}) {
    try {
      static_cast<void>(parse_command_line(program, args, elsewhere));
    } catch (const UsageError&) {
      // Refused, as it should be.
    }
  }
  return 0;
}
