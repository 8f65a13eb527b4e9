story: A PREPARE comes twice: one hold, one vote
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

duplicate next core from care to east
settle s1 100.00 of li at care
expect s1 done
expect wang has 430.00
expect no alarm at east
