#include "runner/pipeline/pipeline_view.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "runner/pipeline/item_sources.h"
#include "runner/pipeline/pipeline_jobs.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

std::string jobs_text(std::uint32_t count) {
  return fmt::format("{} {}", count, count == 1 ? "job" : "jobs");
}

std::string quoted_for_dot(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

class View {
 public:
  View(PipelineFile file, const StageSelection& selection,
       const std::function<void(std::string_view)>& write)
      : jobs_(std::move(file)),
        file_(jobs_.file()),
        selected_(select_stages(file_, selection)),
        unknown_(file_.stages.size()),
        write_(write) {
    for (const std::size_t stage : in_order_of_needs(file_)) {
      if (selected_[stage]) order_.push_back(stage);
    }
    for (const std::size_t stage : order_) unknown_[stage] = try_expand(stage);
  }

  void list() const;
  void commands() const;
  void graph_text() const;
  void graph_dot() const;

 private:
  const std::string& name(std::size_t stage) const { return file_.stages[stage].name; }

  // Why its jobs are not known; empty: they are.
  std::string try_expand(std::size_t stage);
  bool is_late(std::size_t stage) const;
  std::string needs_text(std::size_t stage) const;
  std::string count_text(std::size_t stage) const;
  std::string file_notes(JobPlace job) const;
  std::string unwritten_command(std::size_t stage) const;
  void stage_commands(std::size_t stage) const;
  void job_lines(std::size_t stage) const;
  std::optional<std::size_t> unknown_named(std::size_t stage) const;

  struct Edge {
    std::size_t stage;
    std::string manner;
  };
  std::vector<Edge> edges(std::size_t stage) const;

  PipelineJobs jobs_;
  const PipelineFile& file_;
  std::vector<bool> selected_;
  std::vector<std::size_t> order_;
  std::vector<std::string> unknown_;  // by stage
  const std::function<void(std::string_view)>& write_;
};

bool View::is_late(std::size_t stage) const {
  const std::vector<std::size_t>& needs = file_.stages[stage].needs;
  return reads_outside(file_.stages[stage]) &&
         std::any_of(needs.begin(), needs.end(),
                     [this](std::size_t other) { return selected_[other]; });
}

bool runs_command(const PipelineStage& stage) {
  for (const LinkedSources& sources : stage.foreach) {
    for (const ForeachSource& source : sources) {
      if (source.kind == ForeachSource::Kind::kCommand) return true;
    }
  }
  return false;
}

std::string View::try_expand(std::size_t stage) {
  for (const std::size_t other : jobs_.items().iterated_over(stage)) {
    if (!selected_[other]) {
      jobs_.expand_at_once(other);
    } else if (!unknown_[other].empty()) {
      return fmt::format("its items are known when those of stage {} are", name(other));
    }
  }
  for (const std::size_t other : jobs_.named_stages(stage)) {
    if (!selected_[other]) jobs_.expand_at_once(other);
  }
  const bool is_late = this->is_late(stage);
  std::string needs;
  for (const std::size_t other : file_.stages[stage].needs) {
    if (selected_[other]) needs += (needs.empty() ? "" : ", ") + name(other);
  }
  const std::string later =
      fmt::format("its items are known when what it needs is done: {}", needs);
  // A command may count on what is not there yet, and worse.
  if (is_late && runs_command(file_.stages[stage])) return later;
  try {
    jobs_.items().expand(stage);
  } catch (const Error&) {
    if (!is_late) throw;
    return later;
  }
  jobs_.check_outputs(stage);
  return {};
}

std::vector<View::Edge> View::edges(std::size_t stage) const {
  std::vector<Edge> edges;
  const PipelineStage& described = file_.stages[stage];
  for (const std::size_t other : described.needs) edges.push_back({other, ""});
  for (const LinkedSources& sources : described.foreach) {
    for (const ForeachSource& source : sources) {
      if (source.kind == ForeachSource::Kind::kStage) edges.push_back({source.stage, "each of"});
    }
  }
  for (const NeedsEach& needs : described.needs_each) {
    edges.push_back({needs.stage, needs.by.empty()
                                      ? std::string("each of")
                                      : fmt::format("by {}:", fmt::join(needs.by, ", "))});
  }
  std::erase_if(edges, [this](const Edge& edge) { return !selected_[edge.stage]; });
  return edges;
}

std::string View::needs_text(std::size_t stage) const {
  std::string text;
  for (const Edge& edge : edges(stage)) {
    text += text.empty() ? "needs " : ", ";
    if (!edge.manner.empty()) text += edge.manner + ' ';
    text += name(edge.stage);
  }
  const When when = file_.stages[stage].when;
  if (when == When::kFailure) text += " (when they failed)";
  if (when == When::kAlways) text += " (in any case)";
  return text;
}

std::string View::count_text(std::size_t stage) const {
  if (!unknown_[stage].empty()) return "? jobs";
  const std::uint32_t rows = jobs_.items().items(stage).table.rows();
  return jobs_text(rows) + (is_late(stage) ? " now" : "");
}

void View::list() const {
  std::size_t name_width = 0;
  std::size_t count_width = 0;
  for (const std::size_t stage : order_) {
    name_width = std::max(name_width, name(stage).size());
    count_width = std::max(count_width, count_text(stage).size());
  }
  for (const std::size_t stage : order_) {
    std::string line = fmt::format("{:<{}}  {:<{}}  {}", name(stage), name_width, count_text(stage),
                                   count_width, needs_text(stage));
    line.erase(line.find_last_not_of(' ') + 1);
    write_(line + '\n');
  }
}

/// What the command does not say: its folder, and where its streams go.
std::string View::file_notes(JobPlace job) const {
  const PipelineStage& stage = file_.stages[job.stage];
  const TextWriter writer(file_, jobs_.items(), job, TextAim::kShow);
  std::string notes;
  const auto add = [&](std::string_view sign, const std::string& path) {
    if (!path.empty()) notes += fmt::format(" {} {}", sign, term_safe(path));
  };
  add("in", writer.folder());
  add("<", writer.plain(stage.stdin_path));
  add(">", writer.plain(stage.stdout_path));
  add("2>", writer.plain(stage.stderr_path));
  return notes;
}

std::optional<std::size_t> View::unknown_named(std::size_t stage) const {
  for (const std::size_t other : jobs_.named_stages(stage)) {
    if (!jobs_.items().is_expanded(other)) return other;
  }
  return std::nullopt;
}

std::string View::unwritten_command(std::size_t stage) const {
  const PipelineStage& described = file_.stages[stage];
  if (described.run) return described.run->source;
  std::string line;
  for (const PipeText& word : described.command) {
    line += (line.empty() ? "" : " ") + word.source;
  }
  return line;
}

void View::stage_commands(std::size_t stage) const {
  std::string why = unknown_[stage];
  if (const auto other = unknown_named(stage); why.empty() && other) {
    why = fmt::format("it waits for the jobs of stage {}", name(*other));
  }
  const auto command = [this](std::string text) {
    text = term_safe_lines(text);
    write_(text.ends_with('\n') ? text : text + '\n');
  };
  if (!why.empty()) {
    write_(fmt::format("# {}: {}\n", name(stage), why));
    return command(unwritten_command(stage));
  }
  const std::uint32_t rows = jobs_.items().items(stage).table.rows();
  for (std::uint32_t item = 0; item < rows; ++item) {
    const JobPlace job{stage, item};
    write_(fmt::format("# {}{}\n", term_safe(jobs_.name(job)), file_notes(job)));
    command(jobs_.command(job));
  }
}

void View::commands() const {
  for (const std::size_t stage : order_) stage_commands(stage);
}

void View::job_lines(std::size_t stage) const {
  const StageItems& items = jobs_.items().items(stage);
  for (std::uint32_t item = 0; item < items.table.rows(); ++item) {
    std::string needs;
    for (const StageLink& link : items.links) {
      if (link.kind == StageLink::Kind::kAll || !selected_[link.stage]) continue;
      jobs_.items().each_needed(link, item, [&](std::uint32_t row) {
        needs += (needs.empty() ? "  needs " : ", ") + term_safe(jobs_.name({link.stage, row}));
      });
    }
    write_(fmt::format("  {}{}\n", term_safe(jobs_.name({stage, item})), needs));
  }
}

void View::graph_text() const {
  for (const std::size_t stage : order_) {
    const std::string needs = needs_text(stage);
    write_(name(stage) + (needs.empty() ? "" : "  " + needs) + '\n');
    if (!unknown_[stage].empty()) {
      write_(fmt::format("  ? ({})\n", unknown_[stage]));
    } else if (file_.stages[stage].is_many()) {
      job_lines(stage);
    }
  }
}

void View::graph_dot() const {
  write_("digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n");
  for (const std::size_t stage : order_) {
    write_(fmt::format("  \"{0}\" [label=\"{0}\\n{1}\"];\n", name(stage), count_text(stage)));
  }
  for (const std::size_t stage : order_) {
    for (const Edge& edge : edges(stage)) {
      std::string_view manner = edge.manner;
      if (manner == "each of") manner = "each";
      if (manner.ends_with(':')) manner.remove_suffix(1);
      write_(fmt::format("  \"{}\" -> \"{}\"{};\n", name(edge.stage), name(stage),
                         manner.empty() ? "" : fmt::format(" [label={}]", quoted_for_dot(manner))));
    }
  }
  write_("}\n");
}

}  // namespace

void show_pipeline(PipelineView view, PipelineFile file, const StageSelection& selection,
                   const std::function<void(std::string_view)>& write) {
  const View shown(std::move(file), selection, write);
  switch (view) {
    case PipelineView::kList:
      return shown.list();
    case PipelineView::kCommands:
      return shown.commands();
    case PipelineView::kGraphText:
      return shown.graph_text();
    case PipelineView::kGraphDot:
      return shown.graph_dot();
  }
}

}  // namespace enjoin
