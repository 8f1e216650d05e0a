//! Integration tests, one binary: each module is one promise to the user.

mod invalid_specs;
