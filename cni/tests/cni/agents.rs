//! Many tasks at once, and several agents on one host.

use std::time::Instant;

use wharf_cni::{Attachment, Fabric};

use crate::lab::{Lab, Server, attachment, call};

const TASKS: usize = 20;

fn wishes(lab: &Lab, prefix: &str, net: usize) -> Vec<Attachment> {
    let wish = |n: usize| {
        let id = format!("{prefix}{n}");
        attachment(&id, &lab.namespace(&id), &format!("10.0.{net}.{}", 10 + n))
    };
    (0..TASKS).map(wish).collect()
}

async fn add_all(fabrics: &[(Fabric, Vec<Attachment>)]) {
    let mut adds = tokio::task::JoinSet::new();
    for (fabric, wishes) in fabrics {
        for wish in wishes.clone() {
            let fabric = fabric.clone();
            adds.spawn(async move { wharf_cni::add(&fabric, &wish).await });
        }
    }
    adds.join_all().await.into_iter().for_each(|added| drop(added.unwrap()));
}

async fn del_all(fabrics: &[(Fabric, Vec<Attachment>)]) {
    let mut dels = tokio::task::JoinSet::new();
    for (fabric, wishes) in fabrics {
        for wish in wishes.clone() {
            let fabric = fabric.clone();
            dels.spawn(async move { wharf_cni::del(&fabric, &wish.id, &wish.namespace).await });
        }
    }
    dels.join_all().await.into_iter().for_each(|deleted| deleted.unwrap());
}

#[test]
fn twenty_tasks_are_connected_at_once_and_removed_at_once() {
    let lab = Lab::new();
    let before = lab.inventory();
    let all = [(Fabric::default(), wishes(&lab, "task", 0))];
    lab.on_host(|| add_all(&all));
    for wish in &all[0].1 {
        lab.check(&all[0].0, wish).unwrap();
    }
    let (first, last) = (&all[0].1[0], &all[0].1[TASKS - 1]);
    let server = Server::start(&last.namespace, last.addresses[0], 80);
    assert_eq!(call(&first.namespace, server.address).unwrap(), first.addresses[0].to_string());
    server.finish();
    lab.on_host(|| del_all(&all));
    assert_eq!(lab.inventory(), before);
}

#[test]
fn agents_with_their_own_prefix_and_table_do_not_touch_each_other() {
    let lab = Lab::new();
    let before = lab.inventory();
    let other = Fabric { interface_prefix: "wx".into(), table: "other".into(), ..Fabric::default() };
    let all = [(Fabric::default(), wishes(&lab, "one", 1)), (other.clone(), wishes(&lab, "two", 2))];
    lab.on_host(|| add_all(&all));
    let swept = lab.sweep(&other, &[]);
    assert_eq!((swept.interfaces.len(), swept.table), (TASKS, true));
    for wish in &all[0].1 {
        lab.check(&all[0].0, wish).unwrap();
    }
    lab.on_host(|| del_all(&all));
    assert_eq!(lab.inventory(), before);
}

#[test]
fn tasks_of_two_agents_on_one_host_reach_each_other() {
    let lab = Lab::new();
    lab.outside();
    let other = Fabric { interface_prefix: "wx".into(), table: "other".into(), ..Fabric::default() };
    let a = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let b = lab.task(&other, "b", "10.0.0.6");
    let server = Server::start(&b.namespace, b.addresses[0], 80);
    assert_eq!(call(&a.namespace, server.address).unwrap(), "192.0.2.1", "another agent's task is outside");
    server.finish();
}

/// Prints, asserts nothing: run with `--nocapture`.
#[test]
fn the_time_of_add_and_del_is_printed() {
    const ROUNDS: u32 = 50;
    let lab = Lab::new();
    let fabric = Fabric::default();
    let wish = attachment("a", &lab.namespace("a"), "10.0.0.5");
    let (mut adds, mut dels) = (Vec::new(), Vec::new());
    lab.on_host(|| async {
        for _ in 0..ROUNDS {
            let start = Instant::now();
            wharf_cni::add(&fabric, &wish).await.unwrap();
            adds.push(start.elapsed());
            let start = Instant::now();
            wharf_cni::del(&fabric, "a", &wish.namespace).await.unwrap();
            dels.push(start.elapsed());
        }
    });
    adds.sort();
    dels.sort();
    let half = adds.len() / 2;
    println!(
        "add p50 {:?} max {:?}; del p50 {:?} max {:?}",
        adds[half],
        adds[adds.len() - 1],
        dels[half],
        dels[dels.len() - 1]
    );

    let all = [(fabric.clone(), wishes(&lab, "task", 0))];
    let start = Instant::now();
    lab.on_host(|| add_all(&all));
    println!("{TASKS} adds at once {:?}", start.elapsed());
    let start = Instant::now();
    lab.on_host(|| del_all(&all));
    println!("{TASKS} dels at once {:?}", start.elapsed());
}
