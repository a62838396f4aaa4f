/* The parts of the program, one file or function for each header. */
#ifndef LIBRARY_H
#define LIBRARY_H

void integers(void);
void texts(void);
void floats(void);
void strings(void);
void numbers(void);
void scans(void);
void blocks(void);
void descriptors(void);
void memory(void);
void atomics(void);
void threads(void);
void clocks(void);

/* Prints one answer. One call for each: the arguments of a single call are evaluated in any order. */
void say(const char *what, long value);

#endif
