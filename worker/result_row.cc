#include "worker/result_row.h"

#include <array>
#include <charconv>

namespace enjoin {
namespace {

constexpr std::string_view kHeads[] = {"Seq",     "Host",    "Starttime", "JobRuntime", "Send",
                                       "Receive", "Exitval", "Signal",    "Command"};

void append_number(std::uint64_t number, std::string* to) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  to->append(digits.data(), end);
}

// Seconds with three digits behind the point.
void append_seconds(std::uint64_t ns, std::string* to) {
  const std::uint64_t ms = (ns + 500'000) / 1'000'000;
  append_number(ms / 1000, to);
  *to += '.';
  const std::string rest = std::to_string(1000 + ms % 1000);
  to->append(rest, 1);
}

class SeparatedWriter {
 public:
  SeparatedWriter(char separator, std::string* to)
      : separator_(separator),
        special_{separator, '"', ' ', '\t', '\n', '\v', '\f', '\r'},
        to_(to) {}

  void field(std::string_view text) {
    separate();
    if (text.find_first_of({special_.data(), special_.size()}) == std::string_view::npos) {
      *to_ += text;
      return;
    }
    *to_ += '"';
    for (std::size_t quote = 0; (quote = text.find('"')) != std::string_view::npos;) {
      to_->append(text.substr(0, quote + 1));
      *to_ += '"';
      text.remove_prefix(quote + 1);
    }
    *to_ += text;
    *to_ += '"';
  }
  void number(std::uint64_t number) {
    separate();
    append_number(number, to_);
  }
  void seconds(std::uint64_t ns) {
    separate();
    append_seconds(ns, to_);
  }
  void end() { *to_ += '\n'; }

 private:
  void separate() {
    if (!first_) *to_ += separator_;
    first_ = false;
  }
  char separator_;
  std::array<char, 8> special_;
  std::string* to_;
  bool first_ = true;
};

char separator_of(Table table) {
  return table == Table::kCsv ? ',' : '\t';
}

void append_separated(Table table, const ResultRow& row, std::string* to) {
  SeparatedWriter line(separator_of(table), to);
  line.number(row.seq);
  line.field(":");
  line.seconds(row.start_ns);
  line.seconds(row.wall_ns);
  line.number(row.bytes_in);
  line.number(row.bytes_out);
  line.field(std::to_string(row.exit_value));
  line.number(static_cast<std::uint64_t>(row.signal));
  line.field(row.command);
  for (const std::string_view value : row.values) line.field(value);
  line.field(row.out);
  line.field(row.err);
  line.end();
}

void append_json_string(std::string_view text, std::string* to) {
  constexpr char kHex[] = "0123456789abcdef";
  *to += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      *to += "\\u00";
      *to += kHex[byte >> 4];
      *to += kHex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') *to += '\\';
    *to += c;
  }
  *to += '"';
}

void append_json(const ResultRow& row, std::string* to) {
  const auto key = [to](std::string_view name) {
    *to += ", \"";
    *to += name;
    *to += "\": ";
  };
  *to += "{ \"Seq\": ";
  append_number(row.seq, to);
  key("Host");
  *to += "\":\"";
  key("Starttime");
  append_seconds(row.start_ns, to);
  key("JobRuntime");
  append_seconds(row.wall_ns, to);
  key("Send");
  append_number(row.bytes_in, to);
  key("Receive");
  append_number(row.bytes_out, to);
  key("Exitval");
  *to += std::to_string(row.exit_value);
  key("Signal");
  *to += std::to_string(row.signal);
  key("Command");
  append_json_string(row.command, to);
  key("V");
  *to += "[ ";
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    if (i > 0) *to += ',';
    append_json_string(row.values[i], to);
  }
  *to += " ]";
  key("Stdout");
  append_json_string(row.out, to);
  key("Stderr");
  append_json_string(row.err, to);
  *to += " }\n";
}

}  // namespace

void append_row(Table table, const ResultRow& row, std::string* to) {
  if (table == Table::kJson) {
    append_json(row, to);
  } else {
    append_separated(table, row, to);
  }
}

void append_heading(Table table, std::span<const std::string> names, std::size_t values,
                    std::string* to) {
  if (table == Table::kJson) return;
  SeparatedWriter line(separator_of(table), to);
  for (const std::string_view head : kHeads) line.field(head);
  if (names.empty()) {
    for (std::size_t i = 1; i <= values; ++i) line.field("V" + std::to_string(i));
  } else {
    for (const std::string& name : names) line.field(name);
  }
  line.field("Stdout");
  line.field("Stderr");
  line.end();
}

}  // namespace enjoin
