/* Types and flags of frames in RFC 9113's words. */
#ifndef RILL_FRAME_NAMES_H
#define RILL_FRAME_NAMES_H

#include "http/frame.h"

/* See rill_protocol. */
void rill_frame_names(const rill_frame *frame, char *name, char *flags);

#endif
