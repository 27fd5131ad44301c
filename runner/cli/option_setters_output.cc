#include <utility>

#include "runner/cli/option_draft.h"
#include "runner/units.h"

// Options about output, records and progress.

namespace enjoin {
namespace {

using Value = const std::string&;

/// A tag knows two escapes, as under GNU parallel.
void set_tagstring(Draft& draft, Value value) {
  if (value.empty()) return;
  std::string tag = value;
  for (const auto& [escape, byte] : {std::pair("\\t", '\t'), std::pair("\\n", '\n')}) {
    for (std::size_t at = 0; (at = tag.find(escape, at)) != std::string::npos; ++at)
      tag.replace(at, 2, 1, byte);
  }
  draft.options.tag_string = tag;
}

void set_color_tagstring(Draft& draft, Value value) {
  draft.options.tag = draft.options.color_tag = true;
  set_tagstring(draft, value);
}

constexpr Setter kSetters[] = {
    {"group", [](Draft&, Value) {}},  // with the other two: see finish_output
    {"ungroup", [](Draft&, Value) {}},
    {"line-buffer", [](Draft&, Value) {}},
    {"keep-order", [](Draft&, Value) {}},
    {"no-keep-order", [](Draft&, Value) {}},
    {"latest-line", [](Draft& d, Value) { d.options.latest_line = true; }},
    {"tag", [](Draft& d, Value) { d.options.tag = true; }},
    {"tagstring", set_tagstring},
    {"ctag", [](Draft& d, Value) { d.options.tag = d.options.color_tag = true; }},
    {"ctagstring", set_color_tagstring},
    {"color", [](Draft& d, Value) { d.options.color = true; }},
    {"color-failed", [](Draft& d, Value) { d.options.color_failed = true; }},
    {"max-output",
     [](Draft& d, Value v) { d.options.max_output_bytes = parse_size(v, "--max-output"); }},
    {"v", [](Draft&, Value) {}, true},
    {"verbose", [](Draft&, Value) {}},  // and --silent: see finish_output
    {"silent", [](Draft&, Value) {}},
    {"compress", [](Draft& d, Value) { d.options.compress = true; }},
    {"compress-program",
     [](Draft& d, Value v) {
       check_given("--compress-program", v, "a command");
       d.options.compress = true;
       d.options.compress_program = v;
     }},
    {"decompress-program",
     [](Draft& d, Value v) {
       check_given("--decompress-program", v, "a command");
       d.options.decompress_program = v;
     }},
    {"tmpdir",
     [](Draft& d, Value v) {
       check_given("--tmpdir", v, "a folder");
       d.options.scratch_folder = v;
     }},

    {"joblog", [](Draft& d, Value v) { d.options.joblog_path = v; }},
    {"db",
     [](Draft& d, Value v) {
       check_given("--db", v, "a file");
       d.options.database = v;
     }},
    {"resume", [](Draft& d, Value) { d.options.selection.resume = true; }},
    {"resume-failed", [](Draft& d, Value) { d.options.selection.resume_failed = true; }},
    {"retry-failed", [](Draft& d, Value) { d.options.selection.retry_failed = true; }},
    {"results",
     [](Draft& d, Value v) {
       check_given("--results", v, "a folder, a name with {}, or one that ends in .csv .tsv .json");
       d.options.results = v;
     }},
    {"files", [](Draft& d, Value) { d.options.files = true; }},

    {"bar", [](Draft& d, Value) { d.bar = true; }},
    {"eta", [](Draft& d, Value) { d.eta = true; }},
    {"progress", [](Draft& d, Value) { d.progress = true; }},
    {"total-jobs",
     [](Draft& d, Value v) {
       d.options.total_jobs = parse_count(v, "--total-jobs", 0, std::uint64_t{1} << 62);
     }},
    {"quiet", [](Draft& d, Value) { d.options.quiet = true; }},
};

}  // namespace

std::span<const Setter> output_setters() {
  return kSetters;
}

}  // namespace enjoin
