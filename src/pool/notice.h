/* What streams show while they run: sizes that are warned of, and heads that ask for a pause. */
#ifndef RILL_NOTICE_H
#define RILL_NOTICE_H

#include "pool/conn.h"

/* Some of its streams are to be looked at (rill_link.look): does so. */
void rill_notice_streams(rill_conn *conn);

#endif
