story: A COMMIT is lost: the money stays held until it comes again
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose next commit from care to east
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
expect east holds 70.00
expect s1 COMMITTED at east within 5s
expect wang has 430.00
