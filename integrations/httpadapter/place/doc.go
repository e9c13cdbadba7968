// Package place takes addresses of calls to adapters apart, once: the same decoded
// segments are held against rules and written for the upstream, in the one way there is
// to write them, and what two servers could read in two ways is refused rather than
// cleaned. It imports package flows, for what a segment may be, and does nothing but
// read and write text.
//
// Read first: place.go.
package place
