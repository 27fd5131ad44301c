#include "worker/kept_output.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/random.h>
#include <sys/stat.h>

#include "worker/job_watch.h"
#include "worker/result_path.h"

namespace enjoin {
namespace {

constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND;
constexpr mode_t kMode = 0666;

// Fresh, so that it shares nothing with a file of that name that is still written to, and never
// through a link, which another job may have put there. Devices and pipes are meant as they are.
int open_fresh(int folder, const std::string& path, ipc::UniqueFd* file) {
  const std::string name = path.substr(path.rfind('/') + 1);
  for (int attempt = 0; attempt < 3; ++attempt) {
    file->reset(::openat(folder, name.c_str(), kFlags | O_EXCL, kMode));
    if (*file || errno != EEXIST) break;
    struct stat status {};
    const bool known = ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))) {
      if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) return errno;
    } else {
      file->reset(::openat(folder, name.c_str(), kFlags | O_NOFOLLOW, kMode));
      break;
    }
  }
  return *file ? 0 : errno;
}

// As many as GNU parallel has: scripts match them with par?????.par.
std::string random_letters() {
  constexpr char kLetters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kCount = sizeof kLetters - 1;
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = monotonic_ns();
  std::string text;
  for (int i = 0; i < 5; ++i, random /= kCount) text += kLetters[random % kCount];
  return text;
}

// Returns 0 or errno.
int append_all(int from, int to) {
  char chunk[64 * 1024];
  off_t at = 0;
  while (true) {
    const ssize_t got = ::pread(from, chunk, sizeof chunk, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = ::write(to, chunk + done, static_cast<std::size_t>(got - done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return written < 0 ? errno : ENOSPC;
      done += written;
    }
    at += got;
  }
}

int write_seq(int folder, const std::string& name, std::uint64_t seq) {
  ipc::UniqueFd file;
  if (const int error = open_fresh(folder, name, &file); error != 0) return error;
  const std::string text = std::to_string(seq);
  const ssize_t done = ::write(file.get(), text.data(), text.size());
  return done < 0 ? errno : 0;
}

}  // namespace

KeptNames::KeptNames(const ResultsSpec& spec) : spec_(spec) {
  if (spec.name) template_.emplace(Template::parse(*spec.name));
}

void KeptNames::make(const JobInputs& inputs, const JobNumbers& numbers) {
  if (template_) {
    template_->expand_line(inputs, numbers, &base_);
  } else if (spec_.by_number && (inputs.values.empty() || inputs.values.front().empty())) {
    const std::string number = std::to_string(numbers.seq);
    const std::string_view value = number;
    result_folder(spec_.folder, {}, {&value, 1}, 1, &base_);
  } else {
    result_folder(spec_.folder, spec_.column_names, inputs.values, inputs.columns, &base_);
  }
}

std::size_t KeptNames::trusted() const {
  if (!spec_.name) return spec_.folder.size();
  const std::string& text = spec_.name->words.front();
  const std::size_t value = std::min(text.find('{'), text.find(spec_.name->replace_string));
  return text.rfind('/', value) + 1;
}

KeptOutput::KeptOutput(const ResultsSpec& spec)
    : spec_(&spec), names_(spec), files_(ipc::UniqueFd(), ipc::UniqueFd()) {}

int KeptOutput::open(const JobInputs& inputs, const JobNumbers& numbers,
                     const CaptureFiles& scratch) {
  if (spec_->keep == Keep::kScratch) return open_scratch(scratch);
  names_.make(inputs, numbers);
  return open_named();
}

int KeptOutput::open_scratch(const CaptureFiles& scratch) {
  ipc::UniqueFd out;
  int error = EEXIST;
  for (int attempt = 0; attempt < 100 && error == EEXIST; ++attempt) {
    name_ = spec_->folder + "/par" + random_letters() + ".par";
    out.reset(::open(name_.c_str(), kFlags | O_EXCL, 0600));
    error = out ? 0 : errno;
  }
  if (error != 0) return error;
  ipc::UniqueFd err(::fcntl(scratch.fd(kStderr), F_DUPFD_CLOEXEC, 3));
  files_ = CaptureFiles(std::move(out), std::move(err));
  return 0;
}

int KeptOutput::open_named() {
  folder_.reset();
  name_ = names_.out();
  const int found = open_folder_of(name_, names_.trusted(), &folder_);
  if (found != 0) return found;
  const std::string seq = names_.seq();
  ::unlinkat(folder_.get(), seq.substr(seq.rfind('/') + 1).c_str(), 0);
  ipc::UniqueFd out;
  ipc::UniqueFd err;
  int error = open_fresh(folder_.get(), name_, &out);
  if (error == 0) error = open_fresh(folder_.get(), names_.err(), &err);
  if (error == 0) files_ = CaptureFiles(std::move(out), std::move(err));
  return error;
}

int KeptOutput::mark_whole(std::uint64_t seq) {
  if (spec_->keep != Keep::kTree && spec_->keep != Keep::kNamed) return 0;
  return folder_ ? write_seq(folder_.get(), names_.seq(), seq) : EBADF;
}

int KeptOutput::compress(const std::string& scratch_folder,
                         const std::function<int(int from, int to)>& run) {
  for (int stream : {kStdout, kStderr}) {
    if (stream == kStderr && spec_->keep == Keep::kScratch) break;
    const int file = files_.fd(stream);
    const ipc::UniqueFd packed = open_scratch_file(scratch_folder, true);
    ::lseek(file, 0, SEEK_SET);
    if (const int error = run(file, packed.get()); error != 0) return error;
    if (::ftruncate(file, 0) != 0) return errno;
    if (const int error = append_all(packed.get(), file); error != 0) return error;
  }
  return 0;
}

void KeptOutput::close() {
  files_ = CaptureFiles(ipc::UniqueFd(), ipc::UniqueFd());
}

void KeptOutput::discard() {
  if (spec_->keep == Keep::kScratch && files_.fd(kStdout) >= 0) ::unlink(name_.c_str());
  close();
}

}  // namespace enjoin
