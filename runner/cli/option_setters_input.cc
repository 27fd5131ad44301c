#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/escapes.h"
#include "runner/cli/option_draft.h"
#include "runner/units.h"

// Options about inputs, the command and its replacement strings.

namespace enjoin {
namespace {

using Value = const std::string&;

void set_delimiter(Draft& draft, Value value) {
  check_given("-d", value, "a delimiter such as , or \\n (for NUL bytes: -0)");
  draft.delimiter = resolve_escapes(value, "-d");
}

void set_trim(Draft& draft, Value value) {
  if (value != "n" && value != "l" && value != "r" && value != "lr" && value != "rl")
    throw_malformed("--trim", value, "n, l, r, lr or rl");
  draft.trim = Trim{value.find('l') != std::string::npos, value.find('r') != std::string::npos};
}

std::uint64_t to_number(std::string_view option, std::string_view text, std::string_view forms) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end || text.empty()) throw_malformed(option, text, forms);
  return number;
}

void set_seed(Draft& draft, Value value) {
  draft.options.input.seed = to_number("--seed", value, "a whole number");
  draft.options.input.shuffle = true;
}

void set_part(Draft& draft, Value value) {
  constexpr std::string_view kForms = "K/N, such as 3/10, with K from 1 to N";
  const std::size_t slash = value.find('/');
  if (slash == std::string::npos) throw_malformed("--part", value, kForms);
  SelectionSpec& selection = draft.options.selection;
  const std::string_view text = value;
  selection.part = to_number("--part", text.substr(0, slash), kForms);
  selection.parts = to_number("--part", text.substr(slash + 1), kForms);
  if (selection.part < 1 || selection.part > selection.parts)
    throw_malformed("--part", value, kForms);
}

void set_end_marker(Draft& draft, Value value) {
  draft.options.input.end_marker.reset();
  if (!value.empty()) draft.options.input.end_marker = value;
}

void set_replace_string(Draft& draft, Value value) {
  check_given("-I", value, "the text to replace, such as -I @@");
  draft.options.command.replace_string = value;
}

void set_optional_replace_string(Draft& draft, Value value) {
  draft.options.command.replace_string = value.empty() ? "{}" : value;
}

/// -l without a number is one line, and so is 0.
void set_optional_lines(Draft& draft, Value value) {
  const std::uint32_t lines = value.empty() ? 1 : to_count(value, "-l", 0, kMostRecords);
  draft.max_lines = lines == 0 ? 1 : lines;
  draft.lines_repeat_context = false;
}

void set_max_chars(Draft& draft, Value value) {
  draft.options.batch.max_line_bytes = to_count(value, "-s", 0, kMostRecords);
}

template <const char* From>
void rename(Draft& draft, Value value) {
  check_given(fmt::format("the replacement string for {}", From), value, "some text");
  draft.options.command.renames.push_back({From, value});
}

constexpr char kNoExtension[] = "{.}";
constexpr char kBaseName[] = "{/}";
constexpr char kFolderName[] = "{//}";
constexpr char kBaseNoExtension[] = "{/.}";
constexpr char kSeq[] = "{#}";
constexpr char kSlot[] = "{%}";

/// As GNU parallel: the first half opens, the second half closes.
void set_parens(Draft& draft, Value value) {
  if (value.size() < 2 || value.size() % 2 != 0)
    throw_malformed("--parens", value, "two marks of the same length, such as ,,,, or {==}");
  draft.options.command.perl_open = value.substr(0, value.size() / 2);
  draft.options.command.perl_close = value.substr(value.size() / 2);
}

void add_definition(Draft& draft, Value value) {
  check_given("--rpl", value, "STRING EXPRESSION, such as '{.} s:\\.[^/.]+$::'");
  if (value[0] == ' ') throw_malformed("--rpl", value, "a replacement string before the blank");
  draft.options.command.definitions.push_back(value);
}

constexpr Setter kSetters[] = {
    {"arg-file", [](Draft& d, Value v) { d.arg_files.push_back(v); }, true},
    {"null", [](Draft&, Value) {}},  // with -d: see finish_inputs
    {"delimiter", set_delimiter},
    {"no-run-if-empty", [](Draft& d, Value) { d.options.input.no_run_if_empty = true; }},
    {"colsep", [](Draft& d, Value v) { d.options.input.column_regex = v; }},
    {"csv", [](Draft& d, Value) { d.options.input.csv = true; }},
    {"header",
     [](Draft& d, Value v) {
       check_given("--header", v, "':', a number of lines, or a regular expression");
       d.header = v;
     }},
    {"link", [](Draft& d, Value) { d.options.input.link_all = true; }},
    {"trim", set_trim},
    {"shuf", [](Draft& d, Value) { d.options.input.shuffle = true; }},
    {"seed", set_seed},
    {"filter",
     [](Draft& d, Value v) {
       check_given("--filter", v, "an expression, such as '{1} < {2}'");
       d.options.filters.push_back(v);
     },
     true},
    {"part", set_part},
    {"eof", set_end_marker},
    {"E", set_end_marker},
    {"skip-first-line", [](Draft& d, Value) { d.options.input.skip_first_line = true; }},
    {"arg-sep", [](Draft&, Value v) { check_given("--arg-sep", v, "a word"); }},
    {"then-sep", [](Draft&, Value v) { check_given("--then-sep", v, "a word"); }},
    {"arg-file-sep", [](Draft&, Value v) { check_given("--arg-file-sep", v, "a word"); }},

    {"max-args", [](Draft& d, Value v) { d.max_args = to_count(v, "-n", 0, kMostRecords); }},
    {"max-replace-args",
     [](Draft& d, Value v) { d.max_replace_args = to_count(v, "-N", 0, kMostRecords); }},
    {"X", [](Draft& d, Value) { d.repeat_context = true; }},
    {"m", [](Draft& d, Value) { d.multiple = true; }},
    {"xargs", [](Draft& d, Value) { d.xargs = true; }},
    {"L",
     [](Draft& d, Value v) {
       d.max_lines = to_count(v == "-0" ? "0" : v, "-L", 0, kMostRecords);
       d.lines_repeat_context = true;
     }},
    {"max-lines", set_optional_lines},
    {"max-chars", set_max_chars},
    {"exit", [](Draft&, Value) {}},  // that is always so
    {"quote", [](Draft& d, Value) { d.options.command.quote_words = true; }},
    {"dry-run", [](Draft& d, Value) { d.options.dry_run = true; }},
    {"shell-quote", [](Draft& d, Value) { ++d.options.shell_quotes; }, true},

    {"I", set_replace_string},
    {"replace", set_optional_replace_string},
    {"plus", [](Draft& d, Value) { d.options.command.plus = true; }},
    {"rpl", add_definition, true},
    {"parens", set_parens},
    {"extensionreplace", rename<kNoExtension>},
    {"basenamereplace", rename<kBaseName>},
    {"dirnamereplace", rename<kFolderName>},
    {"basenameextensionreplace", rename<kBaseNoExtension>},
    {"seqreplace", rename<kSeq>},
    {"slotreplace", rename<kSlot>},
};

}  // namespace

std::span<const Setter> input_setters() {
  return kSetters;
}

}  // namespace enjoin
