//! The bus1 core: peers, nodes, handles, messages, transactions, accounts.
#![no_std]
