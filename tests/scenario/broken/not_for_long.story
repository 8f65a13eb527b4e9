# fails: not for long
story: What holds at first does not hold for ten seconds
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose next commit from care to east
settle s1 100.00 of li at care
expect s1 done
for 10s expect s1 PREPARED at east
