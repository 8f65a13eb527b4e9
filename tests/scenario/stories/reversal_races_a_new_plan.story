story: A payer's node does not vote, and the reversal comes when the coordinator plans again
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose every core from care to east
settle s1 100.00 of li at care
wait 1s
lose every plan from care to home
expect first try of s1 ABORTED at care
reverse s1 as v1
expect v1 done
expect v1 says state reversed
expect s1 refused REVERSED
let core pass from care to east
let plan pass from care to home
expect everything decided
expect wang has 500.00
expect li has 30.00
