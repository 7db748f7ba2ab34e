//! Every rule of Tenon as a pure function.
