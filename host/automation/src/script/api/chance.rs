//! Chance: one of several answers, a number, now and then.

use rand::RngExt;
use rhai::{Array, Dynamic};

use super::{Answer, in_call, runtime};
use crate::script::book::Book;

pub(super) fn register(book: &mut Book<'_>) {
    book.chapter("Chance")
        .add(
            "choose(list) -> value",
            "One of a list.",
            "choose([\"Hi\"]) // \"Hi\"\nchoose([\"Hi\", \"Hello\"]) in [\"Hi\", \"Hello\"] // true",
            |list: Array| -> Answer<Dynamic> {
                let index = below(list.len())?;
                let one = list.into_iter().nth(index);
                one.ok_or_else(|| runtime("there is nothing to choose from"))
            },
        )
        .add(
            "shuffle(list) -> list",
            "The same list in another order.",
            "shuffle([1, 2, 3]).len() // 3",
            |mut list: Array| -> Answer<Array> {
                for last in (1..list.len()).rev() {
                    list.swap(last, below(last + 1)?);
                }
                Ok(list)
            },
        )
        .add(
            "random_number(from, to) -> number",
            "A whole number, both ends among them.",
            "random_number(7, 7) // 7\nrandom_number(1, 6) <= 6 // true",
            |from: i64, to: i64| -> Answer<i64> {
                if from > to {
                    return Err(runtime("`random_number(from, to)` goes up"));
                }
                in_call(|call| Ok(call.random().random_range(from..=to)))
            },
        )
        .add(
            "chance(percent) -> bool",
            "True so many times of a hundred.",
            "chance(100) // true\nchance(0) // false",
            |percent: i64| -> Answer<bool> {
                in_call(|call| Ok(call.random().random_range(0..100) < percent))
            },
        );
}

fn below(bound: usize) -> Answer<usize> {
    if bound == 0 {
        return Ok(0);
    }
    in_call(|call| Ok(call.random().random_range(0..bound)))
}
