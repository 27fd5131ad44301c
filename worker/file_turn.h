#pragma once

namespace enjoin {

/// Whether `fd` is a plain file, which has a place where the next byte goes.
bool is_plain_file(int fd);

/// A turn at writing where several processes of ours share an open file.
///
/// write(2) takes that place, writes, and moves it, all under a lock of the kernel. sendfile(2)
/// does the same without the lock: what is written meanwhile is overwritten, and the place may even
/// go back. So whoever uses either on a plain file takes a turn, which is a record lock on a byte
/// far behind its end: it ends with its process, and one enjoin also waits for another that writes
/// to the same file. Who has waited for a tenth of a second goes on without: a process that stands
/// still must not hold up all others.
class FileTurn {
 public:
  FileTurn(int fd, bool needed);
  ~FileTurn();
  FileTurn(const FileTurn&) = delete;
  FileTurn& operator=(const FileTurn&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace enjoin
