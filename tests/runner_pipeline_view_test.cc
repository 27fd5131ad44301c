#include <string>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipeline/pipeline_view.h"
#include "support/folder.h"

using namespace enjoin;

namespace {

std::string shown(PipelineView view, const std::string& text,
                  const StageSelection& selection = {}) {
  std::string all;
  show_pipeline(view, read_pipeline(text, "p.toml", {}), selection,
                [&all](std::string_view part) { all += part; });
  return all;
}

constexpr const char* kPipeline = R"(
[[stage]]
name = "merge"
needs_each = { stage = "call", by = "sample" }
run = "concat {call.outputs} > {out}"
outputs = ["{sample}.vcf"]
[[stage]]
name = "index"
run = "index"
[[stage]]
name = "trim"
foreach = { sample = ["s1", "s2"] }
run = "trim < {sample} > {out}"
outputs = ["{sample}.fq"]
[[stage]]
name = "call"
needs = ["index"]
foreach = { from = "trim", chrom = ["1", "X"] }
cwd = "work"
run = "call {chrom} {trim.out}"
stdout = "{sample}.{chrom}"
)";

}  // namespace

TEST_CASE("pipeline view: the list has the stages in the order of their needs") {
  CHECK(shown(PipelineView::kList, kPipeline) ==
        "index  1 job\n"
        "trim   2 jobs\n"
        "call   4 jobs  needs index, each of trim\n"
        "merge  2 jobs  needs by sample: call\n");
}

TEST_CASE("pipeline view: a dry run shows all commands, and where they run") {
  CHECK(shown(PipelineView::kCommands, kPipeline, {.only = {"index", "call"}})
            .starts_with("# index\nindex\n# call[s1,1] in work > s1.1\ncall 1 "));
  CHECK(shown(PipelineView::kCommands, kPipeline, {.only = {"merge"}}) ==
        "# merge[s1]\nconcat work/s1.1 work/s1.X > s1.vcf\n"
        "# merge[s2]\nconcat work/s2.1 work/s2.X > s2.vcf\n");
}

TEST_CASE("pipeline view: the graph as text has each job with what it needs") {
  CHECK(shown(PipelineView::kGraphText, kPipeline) ==
        "index\n"
        "trim\n"
        "  trim[s1]\n"
        "  trim[s2]\n"
        "call  needs index, each of trim\n"
        "  call[s1,1]  needs trim[s1]\n"
        "  call[s1,X]  needs trim[s1]\n"
        "  call[s2,1]  needs trim[s2]\n"
        "  call[s2,X]  needs trim[s2]\n"
        "merge  needs by sample: call\n"
        "  merge[s1]  needs call[s1,1], call[s1,X]\n"
        "  merge[s2]  needs call[s2,1], call[s2,X]\n");
}

TEST_CASE("pipeline view: the graph for Graphviz has the stages") {
  CHECK(shown(PipelineView::kGraphDot, kPipeline) ==
        "digraph pipeline {\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        "  \"index\" [label=\"index\\n1 job\"];\n"
        "  \"trim\" [label=\"trim\\n2 jobs\"];\n"
        "  \"call\" [label=\"call\\n4 jobs\"];\n"
        "  \"merge\" [label=\"merge\\n2 jobs\"];\n"
        "  \"index\" -> \"call\";\n"
        "  \"trim\" -> \"call\" [label=\"each\"];\n"
        "  \"call\" -> \"merge\" [label=\"by sample\"];\n"
        "}\n");
}

TEST_CASE("pipeline view: jobs that only a run can tell are said to be so") {
  const test::Folder folder;
  const std::string text =
      "[[stage]]\nname = 'split'\nrun = 'split'\n"
      "[[stage]]\nname = 'count'\nneeds = ['split']\nforeach = '" +
      folder.path() +
      "/*.part'\nrun = 'wc {item} > {out}'\noutputs = ['{item}.n']\n"
      "[[stage]]\nname = 'check'\nneeds_each = 'count'\nrun = 'check {count.out}'\n"
      "[[stage]]\nname = 'sum'\nneeds = ['count']\nrun = 'sum {count.outputs}'\n";
  CHECK(shown(PipelineView::kList, text) ==
        "split  1 job\n"
        "count  ? jobs  needs split\n"
        "check  ? jobs  needs each of count\n"
        "sum    1 job   needs count\n");
  CHECK(shown(PipelineView::kCommands, text) ==
        "# split\nsplit\n"
        "# count: its items are known when what it needs is done: split\nwc {item} > {out}\n"
        "# check: its items are known when those of stage count are\ncheck {count.out}\n"
        "# sum: it waits for the jobs of stage count\nsum {count.outputs}\n");
  folder.write("1.part", "");
  CHECK(shown(PipelineView::kList, text) ==
        "split  1 job\n"
        "count  1 job now  needs split\n"
        "check  1 job      needs each of count\n"
        "sum    1 job      needs count\n");
  const std::string part = folder.at("1.part");
  CHECK(shown(PipelineView::kCommands, text, {.from = {"check"}}) ==
        "# check[" + part + "]\ncheck " + part + ".n\n");
}

TEST_CASE("pipeline view: a control character of the file does not reach the terminal") {
  const std::string text =
      "[[stage]]\nname = 's'\nforeach = [\"a\\u001b[2Jb\"]\nrun = 'f {item}'\n";
  CHECK(shown(PipelineView::kCommands, text).find('\x1b') == std::string::npos);
  CHECK(shown(PipelineView::kGraphText, text).find('\x1b') == std::string::npos);
}
