// libFuzzer target: a graph in JSON Lines. Any text is either read, and each of its jobs can be
// asked for and packed for a worker, or refused with an Error that names a line and a column in it.
// Any text that is written as JSON is JSON, and says the same where it is UTF-8.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "enjoin/error.h"
#include "fuzz/fuzz_input.h"
#include "runner/graph/graph_plan.h"
#include "runner/jsonl/job_line_reader.h"
#include "runner/jsonl/json_text.h"
#include "runner/jsonl/jsonl_source.h"
#include "support/memory_file.h"
#include "worker/job_recipe.h"

namespace {

using namespace enjoin;
using enjoin::test::require;

void ask_for_all(JsonlSource& source, const GraphPlan& plan) {
  for (std::uint64_t i = 0; i < plan.counts().added; ++i) {
    const JobIndex job{static_cast<std::uint32_t>(i)};
    require(!source.text(job).name.empty());
    if (!plan.is_defined(job)) continue;
    require(source.identity(job) == source.identity(job));
    static_cast<void>(source.command(job));
    static_cast<void>(source.inputs(job));
    static_cast<void>(source.outputs(job));
    GraphPlan::Start start;
    start.job = job;
    const std::string packed = pack(source.recipe(start));
    RecipeView view;
    require(unpack(packed, &view));
  }
}

void check_graph(std::string_view text) {
  const enjoin::test::MemoryFile file(text);
  GraphPlan plan({});
  try {
    JsonlSource source(file.path());
    source.begin(plan);
    try {
      while (source.pull(plan) != Pull::kEnd) {
      }
      require(plan.find_cycle().empty());
    } catch (const Error& error) {
      require(std::string_view(error.what()).starts_with(file.path()));
    }
    ask_for_all(source, plan);
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with(file.path()));
  }
}

void check_text(std::string_view text) {
  std::string line = R"({"sh":"x","_a":)";
  const bool is_whole = append_json_text(text, &line);
  line += R"(,"argv":["x",)";
  append_json_text(text, &line);
  line += "]}";
  JobLineReader reader;
  JobLine job;
  try {
    static_cast<void>(reader.read(line, &job));
    require(false);  // both sh and argv
  } catch (const LineError& error) {
    require(error.offset() <= line.size());
    const std::string_view what = error.what();
    require(!what.starts_with("not JSON"));
    if (what.starts_with("both") && is_whole) require(job.argv[1] == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_text(text);
  check_graph(text);
  return 0;
}
