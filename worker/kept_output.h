#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/capture.h"
#include "worker/result_row.h"
#include "worker/template.h"

namespace enjoin {

/// Under which name a job's output stays in the file system.
enum class Keep : std::uint8_t {
  kNowhere,
  kTree,     ///< --results FOLDER: FOLDER/1/VALUE/2/VALUE…/{stdout,stderr,seq}
  kNamed,    ///< --results NAME{}: NAME, NAME.err, NAME.seq; where it ends in / as in kTree
  kScratch,  ///< --files: par?????.par in the scratch folder, for stdout
};

/// What --results and --files ask for.
struct ResultsSpec {
  Keep keep = Keep::kNowhere;
  std::string folder = {};                        ///< kTree: its root; kScratch: where
  std::optional<TemplateSpec> name = {};          ///< kNamed
  std::vector<std::string> column_names = {};     ///< --header: in place of 1, 2, …
  bool prints_names = false;                      ///< --files: the name is printed, not the output
  Table table = Table::kNone;                     ///< a table is printed instead of the output
};

/// The files in which the output of one job after another is kept. Jobs write straight into them;
/// what is to be printed is read from there.
class KeptOutput {
 public:
  explicit KeptOutput(const ResultsSpec& spec);  ///< Throws Error: bad template.

  /// Makes the files of the next job, and the folders they lie in. A file of that name that was
  /// there is replaced, not cut, for another job may be about to print from it. What has no file of
  /// its own (stderr of kScratch) goes into `scratch`. Returns 0 or errno.
  int open(const JobInputs& inputs, const JobNumbers& numbers, const CaptureFiles& scratch);
  /// Both, while they are open.
  CaptureFiles& files() { return files_; }
  const std::string& name() const { return name_; }  ///< of stdout's file
  /// Whether the stream has a file of its own.
  bool keeps(int stream) const { return stream == kStdout || spec_->keep != Keep::kScratch; }
  /// The files stay.
  void close();
  /// Nobody will be told of them: files that only the job's --files name would be known by go.
  void discard();

 private:
  int open_scratch(const CaptureFiles& scratch);
  int open_named(std::uint64_t seq);

  const ResultsSpec* spec_;
  std::optional<Template> template_;
  CaptureFiles files_;
  std::string name_;
  std::string err_name_;
  std::string text_;
};

}  // namespace enjoin
