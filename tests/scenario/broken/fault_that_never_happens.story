# fails: this never happened: a trap for commit
story: It loses a message that is never sent
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
lose next commit from care to east
wait 2s
expect wang has 430.00
