/* Error codes of RFC 9113 section 7, for reasons that any version of HTTP shares; rill_code_name()
 * has the words. */
#ifndef RILL_CODE_H
#define RILL_CODE_H

enum rill_code {
    CODE_NO_ERROR = 0x0,
    CODE_PROTOCOL_ERROR = 0x1,
    CODE_INTERNAL_ERROR = 0x2,
    CODE_REFUSED_STREAM = 0x7,
    CODE_CANCEL = 0x8,
    CODE_ENHANCE_YOUR_CALM = 0xb,
    CODE_HTTP_1_1_REQUIRED = 0xd
};

#endif
