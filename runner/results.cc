#include "runner/results.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "runner/pipe/job_feed.h"
#include "runner/values/resolver.h"
#include "worker/result_path.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

Table table_of(std::string_view name) {
  if (name.ends_with(".csv")) return Table::kCsv;
  if (name.ends_with(".tsv")) return Table::kTsv;
  if (name.ends_with(".json")) return Table::kJson;
  return Table::kNone;
}

[[noreturn]] void refuse(const std::string& path, int error) {
  throw system_error("cannot write results below " + term_safe(path), error);
}

// Makes the folder, and tries whether files can be made in it.
void prepare_folder(const std::string& path) {
  if (const int error = make_folders(path); error != 0) refuse(path, error);
  if (::access(path.c_str(), W_OK | X_OK) != 0) refuse(path, errno);
}

// The part of a name that is the same for all jobs, as far as it is a folder.
void prepare_folder_above(const std::string& name) {
  const std::size_t brace = name.find('{');
  const std::size_t slash = name.rfind('/', brace == std::string::npos ? brace : brace);
  if (slash == std::string::npos) {
    if (::access(".", W_OK | X_OK) != 0) refuse(".", errno);
  } else if (slash > 0) {
    prepare_folder(name.substr(0, slash));
  }
}

}  // namespace

TemplateSpec text_template(const Options& options, const std::string& text) {
  TemplateSpec spec;
  spec.words = {text};
  spec.replace_string = options.command.replace_string;
  spec.plus = options.command.plus;
  spec.definitions = options.command.definitions;
  spec.renames = options.command.renames;
  spec.perl_open = options.command.perl_open;
  spec.perl_close = options.command.perl_close;
  spec.names = options.command.names;
  spec.spread = options.command.spread;  // under -X, a{}b of two values is "a1b a2b"
  spec.quote_values = false;             // as GNU parallel: it is text, not a command
  spec.append_if_absent = false;
  return spec;
}

ResultsSpec results_spec(const Options& options, const std::string& scratch_folder) {
  ResultsSpec spec;
  const bool ungroup = options.output == OutputMode::kUngroup;
  spec.column_names = options.command.names;
  if (options.results.empty()) {
    if (!options.files || ungroup) return spec;
    spec.keep = Keep::kScratch;
    spec.folder = scratch_folder;
    if (::access(scratch_folder.c_str(), W_OK | X_OK) != 0) {
      throw system_error("cannot make files in " + term_safe(scratch_folder) + " (--files)", errno);
    }
    spec.prints_names = true;
    return spec;
  }
  spec.table = table_of(options.results);
  if (spec.table != Table::kNone) {
    if (ungroup) {
      throw UsageError("--ungroup and --results " + term_safe(options.results) +
                       " contradict each other: a table needs the output");
    }
    if (options.files) {
      spec.keep = Keep::kScratch;
      spec.folder = scratch_folder;
      spec.prints_names = true;
    }
    return spec;
  }
  TemplateSpec name = text_template(options, options.results);
  // GNU parallel prints the names with --line-buffer, too.
  spec.prints_names = options.files ? !ungroup : options.output == OutputMode::kLineBuffer;
  if (!is_constant(name)) {
    spec.keep = Keep::kNamed;
    prepare_folder_above(options.results);
    spec.name = std::move(name);
  } else {
    spec.keep = Keep::kTree;
    spec.folder = options.results;
    spec.by_number = is_piped(options);
    prepare_folder(spec.folder);
  }
  return spec;
}

ipc::UniqueFd open_table(const Options& options) {
  if (table_of(options.results) == Table::kNone || options.results.starts_with("-.")) return {};
  const SelectionSpec& selection = options.selection;
  const bool goes_on = selection.resume || selection.resume_failed || selection.retry_failed;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (goes_on ? 0 : O_TRUNC);
  ipc::UniqueFd file(::open(options.results.c_str(), flags, 0666));
  if (!file)
    throw system_error("cannot open the results file " + term_safe(options.results), errno);
  ::lseek(file.get(), 0, SEEK_END);  // a pipe has none, and needs none
  return file;
}

void write_heading(const Options& options, std::size_t values, int file) {
  const Table table = table_of(options.results);
  if (table == Table::kNone) return;
  std::string heading;
  append_heading(table, options.command.names, values, &heading);
  std::string_view rest = heading;
  while (!rest.empty()) {
    const ssize_t done = ::write(file, rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw system_error("cannot write the heading of the results", errno);
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
}

}  // namespace enjoin
