#include "runner/record/record_file.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "runner/record/json_words.h"
#include "runner/record/schema.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr int kWaitToReadMs = 5000;
// Far behind what SQLite locks of the file and what will ever be data.
constexpr off_t kLeaseByte = off_t{1} << 62;

// There, processes do not share memory (or may not), which WAL needs.
bool is_network(const std::string& path) {
  constexpr unsigned long kinds[] = {
      0x6969,                                         // NFS
      0x517b,     0xff534d42, 0xfe534d42,             // SMB, CIFS, SMB 2
      0x01021997, 0x65735546, 0x00c36400,             // 9p, FUSE (sshfs), Ceph
      0x5346414f, 0x6b414653, 0x73757245,             // AFS (two), Coda
      0x0bd00bd0, 0x47504653, 0x19830326,             // Lustre, GPFS, BeeGFS
      0x01161970, 0x7461636f, 0xaad7aaea, 0x786f4256  // GFS2, OCFS2, PanFS, VirtualBox
  };
  struct statfs system {};
  if (::statfs(path.c_str(), &system) != 0) return false;
  for (const unsigned long kind : kinds) {
    if ((static_cast<unsigned long>(system.f_type) & 0xffffffff) == kind) return true;
  }
  return false;
}

void make_record_folder() {
  if (::mkdir(kRecordFolder, 0777) != 0 && errno != EEXIST)
    throw system_error(fmt::format("cannot make the folder {}", kRecordFolder), errno);
  const std::string ignore = std::string(kRecordFolder) + "/.gitignore";
  const ipc::UniqueFd fd(::open(ignore.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd) return;  // is there
  [[maybe_unused]] const ssize_t ignored = ::write(fd.get(), "*\n", 2);
}

ipc::UniqueFd open_for_lease(const std::string& path) {
  ipc::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666));
  if (!fd) throw system_error("cannot open the record " + term_safe(path), errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && !S_ISREG(status.st_mode))
    throw Error("the record " + term_safe(path) + " is no file; name another one");
  return fd;
}

/// Of the run that has the lease, as it says of itself; 0: not known.
std::int64_t holder_of(const std::string& path) {
  try {
    const auto record = open_record(path);
    return record->integer("SELECT pid FROM runs ORDER BY run DESC LIMIT 1");
  } catch (const Error&) {
    return 0;
  }
}

bool is_gone(std::int64_t pid) {
  return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

bool try_take_lease(int fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLeaseByte;
  lock.l_len = 1;
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  // Elsewhere it is a file system without locks: SQLite will say so, if it matters.
  return errno != EAGAIN && errno != EACCES;
}

// A supervisor that was killed leaves a keeper, which kills the jobs and then lets go.
void take_lease(int fd, const std::string& path) {
  constexpr int kMostTries = 1000;
  if (try_take_lease(fd)) return;
  std::int64_t holder = holder_of(path);
  for (int tries = 0; tries < kMostTries && is_gone(holder); ++tries) {
    ::usleep(10'000);
    if (try_take_lease(fd)) return;
    if (tries % 50 == 49) holder = holder_of(path);  // a third run may have been faster
  }
  throw Error(fmt::format(
      "another run{} records into {}; wait for its end, or name another file (--db FILE)",
      holder > 0 ? fmt::format(" (process {})", holder) : "", term_safe(path)));
}

/// False: it is empty.
bool check_schema(Database& record) {
  const std::int64_t application = record.integer("PRAGMA application_id");
  const std::int64_t version = record.integer("PRAGMA user_version");
  const std::string name = term_safe(record.path());
  if (application == 0 && record.integer("SELECT count(*) FROM sqlite_schema") == 0) return false;
  if (application != kApplicationId) {
    throw Error(
        fmt::format("{} is a database of another program; name another file for the record", name));
  }
  if (version > kSchemaVersion) {
    throw Error(fmt::format(
        "the record {} was made by a newer enjoin (its version is {}, this program knows {}); "
        "use that one, or name another file (--db FILE)",
        name, version, kSchemaVersion));
  }
  return true;
}

// With a log: what a crash of the machine takes away are the last commits, and their jobs run
// again. With a journal, a commit that does not wait for the disk might take the file with it.
void set_journal(Database& record) {
  bool has_log = false;
  if (!is_network(record.path())) {
    try {
      has_log = record.text("PRAGMA journal_mode=WAL") == "wal";
    } catch (const DatabaseBusy&) {
      throw;
    } catch (const Error&) {  // no shared memory
    }
  }
  if (!has_log) record.text("PRAGMA journal_mode=DELETE");
  record.run(has_log ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
  // Seldom, for it waits for the disk: at the end, and where the log has become 64 MB.
  record.run("PRAGMA wal_autocheckpoint=16384");
}

void make_schema(Database& record) {
  Transaction transaction(record);
  if (check_schema(record)) return;  // another process was faster
  record.run(kSchema);
  record.run(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId,
                         kSchemaVersion)
                 .c_str());
  transaction.commit();
}

}  // namespace

std::string output_folder_of(const std::string& record) {
  return record == kDefaultRecord ? std::string(kRecordFolder) + "/output" : record + ".output";
}

RecordFile::RecordFile(const std::string& path, std::chrono::milliseconds most_wait) {
  if (path.empty()) throw Error("the record needs a file's name");
  if (path == kDefaultRecord) make_record_folder();
  lease_ = open_for_lease(path);
  take_lease(lease_.get(), path);
  database_ = std::make_unique<Database>(path, Database::Mode::kWrite);
  database_->set_wait(static_cast<int>(most_wait.count()));
  try {
    const bool is_there = check_schema(*database_);
    set_journal(*database_);
    if (!is_there) make_schema(*database_);
  } catch (const DatabaseBusy& busy) {
    throw Error(
        fmt::format("{}, for more than {} ms; end what uses it, or name another file (--db FILE)",
                    busy.what(), most_wait.count()));
  }
}

std::unique_ptr<Database> open_record(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0)
    throw system_error("cannot open the record " + term_safe(path), errno);
  const bool may_write = ::access(path.c_str(), W_OK) == 0;  // SQLite then keeps the log in order
  auto record =
      std::make_unique<Database>(path, may_write ? Database::Mode::kWrite : Database::Mode::kRead);
  record->set_wait(kWaitToReadMs);
  if (!check_schema(*record)) throw Error("the record " + term_safe(path) + " is empty");
  record->run("PRAGMA query_only=1");
  return record;
}

std::optional<LastRun> last_run(Database& record) {
  Statement select = record.prepare(
      "SELECT run, arguments, folder, status FROM runs WHERE mode = 'run' ORDER BY run DESC LIMIT "
      "1");
  if (!select.step()) return std::nullopt;
  LastRun last;
  last.run = select.integer(0);
  last.arguments = from_json_array(select.text(1));
  last.folder = select.string(2);
  if (!select.is_null(3)) last.status = static_cast<int>(select.integer(3));
  return last;
}

}  // namespace enjoin
