//! The library from outside: one binary, a file a subject.

mod base;
mod fixture;
mod image;
mod inspect;
