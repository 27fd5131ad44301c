#include "runner/input/input_source.h"

#include <algorithm>
#include <random>
#include <utility>

#include "enjoin/error.h"
#include "runner/input/columns.h"
#include "runner/input/line_reader.h"
#include "runner/input/linked_source.h"
#include "runner/input/product_source.h"
#include "runner/input/row_source.h"
#include "runner/input/shuffled_source.h"
#include "runner/input/value_source.h"

namespace enjoin {
namespace {

bool is_stdin(const SourceSpec& source) {
  return source.kind == SourceSpec::Kind::kFile &&
         (source.path == "-" || source.path == "/dev/stdin" || source.path == "/dev/fd/0" ||
          source.path == "/proc/self/fd/0");
}

/// --header 0: sources are called by their files; nothing is taken off them.
bool is_named_by_files(const InputSpec& spec) {
  return spec.header == "0";
}

/// "\t" of a command line is meant for a tab; else the delimiter of CSV is taken as it is.
std::string csv_delimiter(const InputSpec& spec) {
  if (!spec.column_regex) return ",";
  std::string delimiter = literal_text(*spec.column_regex).value_or(*spec.column_regex);
  if (delimiter.empty() || delimiter.find_first_of("\"\n\r") != std::string::npos) {
    throw Error("--colsep with --csv must be text without quotes and line ends");
  }
  return delimiter;
}

/// Makes the sources of one run.
class Opener {
 public:
  Opener(InputSpec spec, std::vector<std::string>* names) : spec_(std::move(spec)), names_(names) {
    if (spec_.sources.empty()) spec_.sources.push_back({SourceSpec::Kind::kFile, {}, "-"});
    prepare_rules();
    if (std::count_if(spec_.sources.begin(), spec_.sources.end(), is_stdin) > 1) {
      stdin_ = std::make_shared<LineReader>("-", spec_.delimiter);
    }
  }

  std::unique_ptr<InputSource> open() {
    std::vector<InputPart> parts;
    for (std::size_t at = 0; at < spec_.sources.size();) parts.push_back(open_part(&at));
    stdin_.reset();
    std::unique_ptr<InputSource> all;
    if (parts.size() == 1) {
      all = std::move(parts.front().source);
    } else {
      InputPart first = std::move(parts.front());
      parts.erase(parts.begin());
      all = std::make_unique<ProductSource>(std::move(first), std::move(parts));
    }
    if (!spec_.shuffle) return all;
    return std::make_unique<ShuffledSource>(std::move(all),
                                            spec_.seed ? *spec_.seed : std::random_device()());
  }

 private:
  void prepare_rules() {
    value_rules_ = {spec_.no_run_if_empty, spec_.continue_lines, spec_.end_marker};
    row_rules_.trim = spec_.trim;
    if (spec_.csv) {
      row_rules_.csv.emplace(csv_delimiter(spec_));
    } else if (spec_.column_regex) {
      row_rules_.cutter = std::make_shared<ColumnCutter>(*spec_.column_regex);
    } else if (spec_.header) {
      row_rules_.cutter = std::make_shared<ColumnCutter>("\\t");
    }
  }

  /// The source `*at`, and those linked to it.
  InputPart open_part(std::size_t* at) {
    std::vector<InputPart> linked;
    do {
      linked.push_back({open_rows(*at), 1});
      ++*at;
    } while (*at < spec_.sources.size() && (spec_.link_all || spec_.sources[*at].linked));
    if (linked.size() == 1) return std::move(linked.front());
    const std::size_t columns = linked.size();
    const auto unequal =
        spec_.link_all ? LinkedSource::Unequal::kRecycle : LinkedSource::Unequal::kShortest;
    return {std::make_unique<LinkedSource>(std::move(linked), unequal), columns};
  }

  std::unique_ptr<InputSource> open_rows(std::size_t i) {
    RowSource::Rules rules = row_rules_;
    rules.skip_first = spec_.skip_first_line && i == 0;
    const std::string path = spec_.sources[i].path;
    auto rows = std::make_unique<RowSource>(open_values(spec_.sources[i]), std::move(rules));
    std::vector<std::string> ignored;
    std::vector<std::string>* names = names_ == nullptr ? &ignored : names_;
    if (is_named_by_files(spec_)) {
      names->push_back(path);
    } else if (spec_.header) {
      rows->read_header(names);
    }
    return rows;
  }

  ValueSource open_values(SourceSpec& source) {
    if (source.kind == SourceSpec::Kind::kArguments) {
      return {std::move(source.arguments), value_rules_};
    }
    if (stdin_ != nullptr && is_stdin(source)) return {stdin_, value_rules_};
    return {std::make_shared<LineReader>(source.path, spec_.delimiter), value_rules_};
  }

  InputSpec spec_;
  std::vector<std::string>* names_;
  ValueSource::Rules value_rules_;
  RowSource::Rules row_rules_;
  std::shared_ptr<LineReader> stdin_;  // where several sources name it: they take turns
};

}  // namespace

std::unique_ptr<InputSource> open_input(InputSpec spec, std::vector<std::string>* names) {
  return Opener(std::move(spec), names).open();
}

}  // namespace enjoin
