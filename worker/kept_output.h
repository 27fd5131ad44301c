#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/capture.h"
#include "worker/result_row.h"
#include "worker/template.h"

namespace enjoin {

/// Under which name a job's output stays in the file system.
enum class Keep : std::uint8_t {
  kNothing,
  kTree,     ///< --results FOLDER: FOLDER/1/VALUE/2/VALUE…/{stdout,stderr,seq}
  kNamed,    ///< --results NAME{}: NAME, NAME.err, NAME.seq; where it ends in / as in kTree
  kScratch,  ///< --files: par?????.par in the scratch folder, for stdout
};

/// What --results and --files ask for.
struct ResultsSpec {
  Keep keep = Keep::kNothing;
  std::string folder = {};                     ///< kTree: its root; kScratch: where
  std::optional<TemplateSpec> name = {};       ///< kNamed
  std::vector<std::string> column_names = {};  ///< --header: in place of 1, 2, …
  bool by_number = false;                      ///< kTree, --pipe: a job without inputs: its number
  bool prints_names = false;                   ///< --files: stdout's name is printed
  Table table = Table::kNone;                  ///< a table is printed instead of the output
};

/// How the files of one job are called.
class KeptNames {
 public:
  explicit KeptNames(const ResultsSpec& spec);  ///< Throws Error: bad template.

  /// kTree and kNamed. Valid until the next call.
  void make(const JobInputs& inputs, const JobNumbers& numbers);
  const std::string& base() const { return base_; }
  /// So many bytes of each name are the person's own: their folders may be links.
  std::size_t trusted() const;
  std::string out() const { return base_ + (is_folder() ? "stdout" : ""); }
  std::string err() const { return base_ + (is_folder() ? "stderr" : ".err"); }
  /// Holds the job's number. It is there once the job has come to its end, and not before: so who
  /// resumes can tell a whole result from one that was interrupted.
  std::string seq() const { return base_ + (is_folder() ? "seq" : ".seq"); }

 private:
  bool is_folder() const { return base_.empty() || base_.back() == '/'; }

  ResultsSpec spec_;
  std::optional<Template> template_;
  std::string base_;
};

/// The files in which the output of one job after another is kept. Jobs write straight into them.
/// As under GNU parallel, what --results keeps is not printed.
class KeptOutput {
 public:
  explicit KeptOutput(const ResultsSpec& spec);  ///< Throws Error: bad template.

  /// Makes the files of the next job, and the folders they lie in. A file or link of that name that
  /// was there is replaced, not written to: a job that still runs may have it, or have made it.
  /// What has no file of its own (stderr of kScratch) goes into `scratch`. Returns 0 or errno:
  /// ELOOP where a link stands for one of the folders that are named after inputs.
  int open(const JobInputs& inputs, const JobNumbers& numbers, const CaptureFiles& scratch);
  /// Both, while they are open.
  CaptureFiles& files() { return files_; }
  const std::string& name() const { return name_; }  ///< of stdout's file
  /// The job has come to its end: its number is written beside its output. Returns 0 or errno.
  int mark_whole(std::uint64_t seq);
  /// Runs each file through `run`, which gives 0 or errno, by way of an unnamed file in
  /// `scratch_folder`. Returns 0 or errno: then the file is as it was.
  int compress(const std::string& scratch_folder, const std::function<int(int from, int to)>& run);
  /// The files stay.
  void close();
  /// Nobody will be told of them: files that only the job's --files name would be known by go.
  void discard();

 private:
  int open_scratch(const CaptureFiles& scratch);
  int open_named();

  const ResultsSpec* spec_;
  KeptNames names_;
  CaptureFiles files_;
  ipc::UniqueFd folder_;  // where they lie, whatever becomes of its name
  std::string name_;
};

}  // namespace enjoin
