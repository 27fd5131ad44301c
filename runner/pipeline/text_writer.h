#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/graph/graph_plan.h"
#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/stage_items.h"

namespace enjoin {

/// A job of a pipeline: its stage in the file, its item.
struct JobPlace {
  std::size_t stage = 0;
  std::uint32_t item = 0;
};

/// What a text is written for.
enum class TextAim : std::uint8_t {
  kStart,    ///< an attempt that starts now: files of lists are written
  kShow,     ///< people: what is known only at the start is the first attempt's, or a name
  kIdentify  ///< the record: resources and attempts by their names, patterns as they stand
};

/// A path as texts have it, from the folder that the job runs in.
struct JobPath {
  std::string text = {};
  bool is_pattern = false;  ///< it stands for what matches (path_pattern.h)
};

/// Writes the texts of a job, with its values in the place of the replacement strings. Throws Error
/// where a value is not to be had: where, of which job, why.
class TextWriter {
 public:
  /// `start`: for kStart; else null. All but `place` must outlive this.
  TextWriter(const PipelineFile& file, const PipelineItems& items, JobPlace place, TextAim use,
             const GraphPlan::Start* start = nullptr)
      : file_(file), items_(items), place_(place), use_(use), start_(start) {}

  std::string plain(const PipeText& text) const;
  /// For the shell: values quoted as it is needed where they stand.
  std::string shell_line(const PipeText& text) const;
  void add_words(const PipeText& text, std::vector<std::string>* words) const;

  /// Where the job runs; empty: where we are.
  std::string folder() const;
  JobPath path(const PipeText& text) const;
  /// `outputs`, then `stdout` where it is not among them.
  std::vector<JobPath> outputs() const;

  /// The same for another job.
  TextWriter of(JobPlace place) const { return {file_, items_, place, use_, nullptr}; }

 private:
  const PipelineStage& stage() const { return file_.stages[place_.stage]; }
  const ItemTable& table() const { return items_.items(place_.stage).table; }
  std::vector<std::string> values(const TextPiece& piece, FilePosition at) const;
  std::string value_of_start(const TextPiece& piece) const;
  std::vector<std::string> found(const JobPath& path) const;
  std::vector<std::string> own_outputs() const;
  std::vector<std::string> stage_outputs(const TextPiece& piece, FilePosition at) const;
  void add_outputs_of(JobPlace other, bool all, std::vector<std::string>* paths) const;
  std::string list_file(const TextPiece& piece, const std::vector<std::string>& values) const;

  const PipelineFile& file_;
  const PipelineItems& items_;
  const JobPlace place_;
  const TextAim use_;
  const GraphPlan::Start* start_;
  bool writes_stdout_ = false;
  bool writes_folder_ = false;
};

/// Whether the path is a pattern: wildcards count where the file says them; those in values stand
/// for themselves.
bool has_pattern(const PipeText& text);

/// A path that is relative to `folder`, as one that is relative to the folder of `folder`.
std::string joined_path(const std::string& folder, const std::string& path);

/// "align[s1]", "index".
std::string job_name(const PipelineFile& file, const PipelineItems& items, JobPlace place);

/// Which jobs of another stage a job needs; nullptr: none of that stage.
const StageLink* find_link(const StageItems& items, std::size_t stage);

}  // namespace enjoin
