/* Feeds every file of the directories that it is given to a fuzz target: what was found once stays
 * mended, in every build, with or without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int feed(const char *dir)
{
    int files = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[2048];
        struct stm_buf text = {0};
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.' || stm_file_read(path, &text, NULL)) continue;
        LLVMFuzzerTestOneInput(text.p, text.n);
        stm_buf_release(&text);
        files++;
    }
    if (d) closedir(d);
    return files;
}

int main(int argc, char **argv)
{
    int all = 0;
    for (int i = 1; i < argc; i++) {
        int files = feed(argv[i]);
        printf("%s: %d files\n", argv[i], files);
        if (!files) return 1;
        all += files;
    }
    return all == 0;
}
