#include <sqlite3.h>

/* sqlite3_db_config() takes variable arguments, which Swift cannot call. Fails too
   where the flag is not what was asked for afterwards. */
static inline int dmamatrix_set_flag(sqlite3 *connection, int flag, int value) {
  int now = -1;
  int code = sqlite3_db_config(connection, flag, value, &now);
  return code == SQLITE_OK && now != value ? SQLITE_ERROR : code;
}
