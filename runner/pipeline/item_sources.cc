#include "runner/pipeline/item_sources.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/input/csv.h"
#include "runner/pipeline/command_output.h"
#include "runner/pipeline/names.h"
#include "runner/pipeline/path_pattern.h"
#include "runner/pipeline/shell_line.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

std::string read_file(const std::string& path) {
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw system_error("cannot open " + term_safe(path), errno);
  std::string text;
  for (;;) {
    const std::size_t size = text.size();
    text.resize(size + kReadBytes);
    const ssize_t got = ::read(fd.get(), text.data() + size, kReadBytes);
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) throw system_error("cannot read " + term_safe(path), errno);
  }
}

std::string_view take_line(std::string_view* rest) {
  const std::size_t end = std::min(rest->find('\n'), rest->size());
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return line;
}

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void check_no_nul(std::string_view text) {
  if (text.find('\0') != text.npos) {
    throw Error("it holds a NUL byte, so it is no text");
  }
}

ItemTable one_column(const ForeachSource& source, std::shared_ptr<TextPool> pool) {
  return {std::move(pool), {source.name}};
}

ItemTable read_lines(std::string_view text, ItemTable table) {
  check_no_nul(text);
  while (!text.empty()) {
    const std::string_view line = without_return(take_line(&text));
    if (!line.empty()) table.add_row({line});
  }
  return table;
}

ItemTable read_list(const ForeachSource& source, ItemTable table) {
  for (const PipeText& item : source.items) {
    const bool is_many = item.pieces.size() == 1 && item.pieces.front().is_many();
    if (is_many) {
      for (const std::string& value : item.pieces.front().values) table.add_row({value});
    } else {
      table.add_row({constant_text(item)});
    }
  }
  return table;
}

std::string pattern_of(const PipeText& text) {
  std::string pattern;
  for (const TextPiece& piece : text.pieces) {
    if (piece.kind != TextPiece::Kind::kValues) pattern += piece.text;
    bool is_first = true;
    for (const std::string& value : piece.values) {
      if (!std::exchange(is_first, false)) pattern += ' ';
      pattern += escaped_pattern(value);
    }
  }
  return pattern;
}

ItemTable read_globs(const ForeachSource& source, ItemTable table) {
  std::string sought;
  for (const PipeText& item : source.items) {
    const std::string pattern = pattern_of(item);
    sought += (sought.empty() ? "" : " or ") + term_safe(pattern);
    for (const std::string& path : matching_paths(pattern)) table.add_row({path});
  }
  if (table.rows() == 0) throw Error("there is no path that matches " + sought);
  return table;
}

/// Cuts a table into rows, and names the place of what is wrong.
class TableReader {
 public:
  TableReader(const PipelineFile& file, std::string path, std::string_view text, char delimiter)
      : file_(file),
        path_(std::move(path)),
        rest_(text),
        delimiter_(delimiter),
        csv_(std::string(1, delimiter)) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  std::vector<std::string> read_header() {
    std::vector<std::string_view> fields;
    if (!next(&fields)) throw_at("the table is empty: its first row must name the columns");
    std::vector<std::string> names;
    for (const std::string_view field : fields) {
      check_name(field, names);
      names.emplace_back(field);
    }
    return names;
  }

  // Empty lines are no rows. The fields are valid until the next call.
  bool next(std::vector<std::string_view>* fields) {
    while (!rest_.empty()) {
      row_line_ = line_ + 1;
      std::string_view line = next_line();
      if (without_return(line).empty()) continue;
      if (delimiter_ == ',') {
        read_csv(line, fields);
      } else {
        cut(without_return(line), fields);
      }
      return true;
    }
    return false;
  }

  [[noreturn]] void throw_at(const std::string& what) const {
    throw Error(term_safe(path_) + ':' + std::to_string(row_line_) + ": " + what);
  }

 private:
  std::string_view next_line() {
    ++line_;
    return take_line(&rest_);
  }

  void cut(std::string_view line, std::vector<std::string_view>* fields) const {
    fields->clear();
    for (;;) {
      const std::size_t end = line.find(delimiter_);
      fields->push_back(line.substr(0, end));
      if (end == line.npos) return;
      line.remove_prefix(end + 1);
    }
  }

  // A quoted field may hold line ends.
  void read_csv(std::string_view row, std::vector<std::string_view>* fields) {
    CsvParser::Result result = csv_.parse(row, fields);
    while (result == CsvParser::Result::kOpenQuote && !rest_.empty()) {
      const std::string_view more = next_line();
      row = {row.data(), static_cast<std::size_t>(more.data() + more.size() - row.data())};
      result = csv_.parse(row, fields);
    }
    if (result != CsvParser::Result::kRow) throw_at(std::string(to_text(result)));
  }

  void check_name(std::string_view name, const std::vector<std::string>& names) const {
    const std::string shown = "the column " + term_safe(std::string(name));
    if (name.empty()) throw_at("a column has no name");
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      throw_at(shown + " comes twice: its name must be its own");
    }
    const auto is_same = [name](const auto& other) { return other.name == name; };
    const char* const better = ": give it another name";
    if (std::find(kOwnNames.begin(), kOwnNames.end(), name) != kOwnNames.end()) {
      throw_at(shown + " has the name of a replacement string of ours" + better);
    }
    if (std::any_of(file_.variables.begin(), file_.variables.end(), is_same)) {
      throw_at(shown + " has the name of a variable of " + term_safe(file_.path) + better);
    }
    if (std::any_of(file_.pools.begin(), file_.pools.end(),
                    [&](const PoolSpec& pool) { return !pool.values.empty() && is_same(pool); })) {
      throw_at(shown + " has the name of a pool of " + term_safe(file_.path) + better);
    }
  }

  const PipelineFile& file_;
  const std::string path_;
  std::string_view rest_;
  const char delimiter_;
  CsvParser csv_;
  std::size_t line_ = 0;
  std::size_t row_line_ = 1;
};

ItemTable read_table(const PipelineFile& file, const ForeachSource& source,
                     std::shared_ptr<TextPool> pool) {
  const std::string path = constant_text(source.text);
  const std::string text = read_file(path);
  TableReader reader(file, path, text, source.delimiter);
  ItemTable table(std::move(pool), reader.read_header());
  table.set_label_columns({0});
  const std::size_t width = table.columns().size();
  for (std::vector<std::string_view> fields; reader.next(&fields);) {
    if (fields.size() != width) {
      reader.throw_at("the row has " + std::to_string(fields.size()) + " fields, but the header " +
                      std::to_string(width));
    }
    for (const std::string_view field : fields) {
      if (field.find('\0') != field.npos) reader.throw_at("the row holds a NUL byte");
    }
    table.add_row(fields);
  }
  return table;
}

ItemTable read_command(const ForeachSource& source, const std::vector<std::string>& shell,
                       ItemTable table) {
  ShellLine line;
  for (const TextPiece& piece : source.text.pieces) {
    if (piece.kind == TextPiece::Kind::kValues) {
      line.add_values(piece.values);
    } else {
      line.add_literal(piece.text);
    }
  }
  std::vector<std::string> argv = shell;
  if (argv.empty()) argv = {"sh"};
  argv.push_back("-c");
  argv.push_back(line.take());
  try {
    return read_lines(run_for_output(argv), std::move(table));
  } catch (const Error& error) {
    throw Error("the command of foreach: " + std::string(error.what()));
  }
}

}  // namespace

bool reads_outside(const ForeachSource& source) {
  return source.kind != ForeachSource::Kind::kList && source.kind != ForeachSource::Kind::kStage;
}

bool reads_outside(const PipelineStage& stage) {
  for (const LinkedSources& sources : stage.foreach) {
    for (const ForeachSource& source : sources) {
      if (reads_outside(source)) return true;
    }
  }
  return false;
}

std::string constant_text(const PipeText& text) {
  std::string result;
  for (const TextPiece& piece : text.pieces) {
    if (piece.kind != TextPiece::Kind::kValues) {
      result += piece.text;
      continue;
    }
    bool is_first = true;
    for (const std::string& value : piece.values) {
      if (!std::exchange(is_first, false)) result += ' ';
      result += value;
    }
  }
  return result;
}

ItemTable read_items(const PipelineFile& file, const ForeachSource& source,
                     const std::vector<std::string>& shell, std::shared_ptr<TextPool> pool) {
  try {
    switch (source.kind) {
      case ForeachSource::Kind::kList:
        return read_list(source, one_column(source, std::move(pool)));
      case ForeachSource::Kind::kGlob:
        return read_globs(source, one_column(source, std::move(pool)));
      case ForeachSource::Kind::kLines:
        return read_lines(read_file(constant_text(source.text)),
                          one_column(source, std::move(pool)));
      case ForeachSource::Kind::kCommand:
        return read_command(source, shell, one_column(source, std::move(pool)));
      case ForeachSource::Kind::kTable:
        return read_table(file, source, std::move(pool));
      case ForeachSource::Kind::kStage:
        break;
    }
  } catch (const Error& error) {
    throw Error(file.place(source.at) + error.what());
  }
  throw Error(file.place(source.at) + "a stage is no source of its own");
}

}  // namespace enjoin
