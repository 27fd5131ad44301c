# The printed offset is stored late: by us, after the call that wrote, instead of by the kernel in it.
set(source worker/printer.cc)
set(detector worker)
set(detects "*while it prints and sleeps")
set(old "    const ssize_t done =
        ::sendfile(")
set(new "    off_t late = *offset;
    const ssize_t done =
        ::sendfile(")
set(old2 "reinterpret_cast<off_t*>(offset), wanted);\n")
set(new2 "&late, wanted);
    *offset = late;\n")
